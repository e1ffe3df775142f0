"""A template with values: a definition, as JSON values and as text."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from streams.core.definition import ProcessDefinition
from streams.core.document import Document, Mark, Steps, TextError, plain_value, read_yaml
from streams.core.parse import check_document
from streams.core.problems import Problem
from streams.core.suggest import suggest
from streams.core.templates.placeholders import PLACEHOLDER, Shift, replaced, replaced_text, shifts, shown
from streams.core.templates.template import Template
from streams.core.yaml_text import WIDTH, yaml_text


class ParametersError(ValueError):
    """Values that the template does not take; the message names each parameter and what was expected."""


@dataclass(frozen=True, slots=True)
class Filled:
    """``data`` is the definition with its placeholders replaced, not yet checked."""

    template: Template
    values: Mapping[str, Any]
    data: dict[str, Any]

    def check(self) -> tuple[ProcessDefinition | None, list[Problem]]:
        """The definition, or its problems: places are the template's."""
        document = _FilledDocument(self.template.document.lines, self.data, filled=self)
        return check_document(document, self.template.file)

    def text(self) -> str:
        """YAML that reads as ``data``: as it stands in the template, comments too."""
        head = "".join(f"# {line}\n" for line in self._said())
        written = head + _with_comments(self.template, self.values)
        try:
            if read_yaml(written).data == self.data:
                return written
        except TextError:
            pass  # anchors across the template, and what else only a template may have
        return head + yaml_text(self.data)

    def _said(self) -> list[str]:
        """For comments: each is one line, and whatever YAML takes for the end of a line is not printable."""
        given = [f"{name}: {shown(value)}" for name, value in self.values.items()]
        return [
            f"Made from the template {self.template.head.id} with",
            *(f"  {one}"[:200] for one in given if one.isprintable()),
        ]


def fill(template: Template, given: Mapping[str, Any]) -> Filled:
    """The template with ``given`` values, and defaults for the others.  Raises ``ParametersError``."""
    parameters = template.head.parameters
    wrong = [
        f"Unknown parameter {name!r}. {suggest(name, parameters, 'parameter')}"
        for name in given
        if name not in parameters
    ]
    values = {name: given.get(name, one.default) for name, one in parameters.items()}
    for name, parameter in parameters.items():
        if values[name] is None:
            if parameter.needed:
                about = f": {parameter.description}" if parameter.description else ""
                wrong.append(
                    f"Expected a value for {name!r} ({parameter.type}){about}, such as {shown(parameter.example)}"
                )
        elif why := parameter.misfit(values[name]):
            wrong.append(f"{name}: {why}")
    if wrong:
        raise ParametersError(f"{template.head.id}: " + "; ".join(wrong))
    return Filled(template, values, replaced(template.head.definition, values))


@dataclass(slots=True)
class _FilledDocument(Document):
    """Finds the places of a filled definition in its template."""

    filled: Filled | None = field(default=None, kw_only=True)

    def locate(self, steps: Steps, offset: int | None = None, *, key: bool = False) -> Mark:
        assert self.filled is not None
        whole = ("definition", *steps)
        if offset is not None:
            text = _value_at(self.filled.template.head.definition, steps)
            offset = self._earlier(text, offset) if isinstance(text, str) else None
        return self.filled.template.document.locate(whole, offset, key=key)

    def _earlier(self, text: str, offset: int) -> int | None:
        """The offset in the template's text for one in the filled text; ``None`` within what is a placeholder alone."""
        assert self.filled is not None
        if PLACEHOLDER.fullmatch(text.strip()):
            return None
        last = Shift(0, 0)
        for shift in shifts(text, self.filled.values):
            if shift.at <= offset:
                last = shift
        return offset - last.back


def _value_at(data: Any, steps: Steps) -> Any:
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _with_comments(template: Template, values: Mapping[str, Any]) -> str:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    body: CommentedMap = yaml.load(template.text)["definition"]
    _replace(body, values)
    text = io.StringIO()
    yaml.dump(body, text)
    return text.getvalue()


def _replace(node: Any, values: Mapping[str, Any]) -> None:
    """Fill a mapping or a list of ruamel.yaml's in place: what it keeps of comments and styles stays."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        value = node[key]
        if isinstance(value, dict | list):
            _replace(value, values)
        elif isinstance(value, str) and PLACEHOLDER.search(value):
            node[key] = _styled(replaced_text(value, values), value)


def _styled(value: Any, before: str) -> Any:
    if not isinstance(value, str):
        return value
    if isinstance(before, LiteralScalarString):
        return LiteralScalarString(value)
    return value if value.isidentifier() and plain_value(value) == value else DoubleQuotedScalarString(value)
