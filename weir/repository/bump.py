"""The version in a definition's file, and nothing else of it, changed."""

from streams.core.document import read_yaml


def with_version(text: str, version: int) -> str:
    """``text`` with ``version``: in its place, or in a line behind the id's.  ``text`` is a definition that parses."""
    document = read_yaml(text)
    lines = text.splitlines(keepends=True)
    if ("version",) in document.keys:
        mark = document.values["version",]
        old = _scalar(lines[mark.line][mark.column :])
        line = lines[mark.line]
        lines[mark.line] = line[: mark.column] + str(version) + line[mark.column + len(old) :]
        return "".join(lines)
    key = document.keys["id",]
    line = lines[key.line]
    if line[: key.column].strip():  # within { }: the whole is one line of JSON, or nearly
        lines[key.line] = f"{line[: key.column]}version: {version}, {line[key.column :]}"
        return "".join(lines)
    lines.insert(key.line, f"{line[: key.column]}version: {version}\n")
    return "".join(lines)


def _scalar(rest: str) -> str:
    """A number as it stands at the beginning of ``rest``: ``1``, ``1.0``, ``"1"``."""
    return next(
        (rest[:at] for at, character in enumerate(rest) if not (character.isalnum() or character in ".+-_\"'")), rest
    )
