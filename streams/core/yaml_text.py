"""JSON values as YAML that ``document.read_yaml`` reads back as the same values.

Texts are plain where nothing else could be meant, blocks where they have lines, in double quotes elsewhere.  The layout
is fixed, so that the same content is the same text, and a Git folder shows what has changed and nothing else.
"""

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from streams.core.document import plain_value

_PLAIN = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.+\-]*(?: [A-Za-z0-9_/.+\-]+)*")
_SIGN = r"\x21-\x7e\xa1-\u2027\u202a-\ud7ff"
_BLOCK = re.compile(rf"(?:[{_SIGN}][\x20{_SIGN}]*)?(?:\n(?:[\x20{_SIGN}]*[{_SIGN}])?)*\n?")
"""Lines that a block keeps: the first begins with no space, none ends with one, and YAML knows no other end of them."""
_TEXT, _FLOAT = "tag:yaml.org,2002:str", "tag:yaml.org,2002:float"
WIDTH = 4_096


class _Representer(SafeRepresenter):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(representer: SafeRepresenter, text: str) -> ScalarNode:
    if _PLAIN.fullmatch(text) and plain_value(text) == text:
        return representer.represent_scalar(_TEXT, text)
    block = "\n" in text.rstrip("\n") and _BLOCK.fullmatch(text)
    return representer.represent_scalar(_TEXT, text, style="|" if block else '"')


def _float(representer: SafeRepresenter, value: float) -> ScalarNode:
    return representer.represent_scalar(_FLOAT, repr(value))


_Representer.add_representer(str, _text)
_Representer.add_representer(float, _float)


def yaml_text(data: Any) -> str:
    """YAML of JSON values: mappings keep their order, floats their last digit."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.allow_unicode = True
    text = io.StringIO()
    yaml.dump(data, text)
    return text.getvalue().removesuffix("...\n")
