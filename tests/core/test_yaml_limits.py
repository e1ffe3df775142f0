"""YAML that would take much time or memory is refused early, with its place."""

import time
from pathlib import Path

import pytest

from streams.core.document import MAX_BYTES, MAX_DEPTH, MAX_NODES
from streams.core.parse import check_definition
from streams.settings import Settings
from streams.topics import TopicsError, load_topics

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
)
TOO_MUCH = {
    "aliases of aliases": (BOMB, "5:", f"Expected at most {MAX_NODES:,} values"),
    "an alias within itself": ("a: &a [*a]\n", "1:8", "Unknown alias '*a'"),
    "nesting": ("a: " + "[" * 100_000, "1:", f"Expected at most {MAX_DEPTH} levels"),
    "nesting of mappings": (
        "\n".join(" " * n + "a:" for n in range(200)),
        "52:",
        f"Expected at most {MAX_DEPTH} levels",
    ),
    "size": ("a: " + "x" * MAX_BYTES, "1:1", "Expected at most 1,000,000 bytes"),
    "values": ("a: [" + "1, " * MAX_NODES + "1]", "1:", f"Expected at most {MAX_NODES:,} values"),
    "a tag": ("a: !!python/object/apply:os.system ['id']", "1:4", "Expected a plain value, but got the tag"),
    "a merge": ("a: {<<: {b: 1}}", "1:5", "Expected a name as key, but got '<<'"),
    "two documents": ("a: 1\n---\nb: 2\n", "2:1", "Expected one definition, but got a second document"),
    "a number": ("a: " + "9" * 100_000, "1:", ""),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_definition_that_is_too_much(name: str) -> None:
    text, place, says = TOO_MUCH[name]
    began = time.process_time()
    definition, problems = check_definition(text, "f.yaml")
    assert time.process_time() - began < 10
    assert definition is None
    assert any(str(one).startswith(f"f.yaml:{place}") and says in str(one) for one in problems), problems[0]
    assert all(len(str(one)) < 2_000 for one in problems)


@pytest.mark.parametrize("name", ["aliases of aliases", "nesting", "a tag", "size"])
def test_topics_that_are_too_much(name: str, tmp_path: Path) -> None:
    text, place, says = TOO_MUCH[name]
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    with pytest.raises(TopicsError) as refused:
        load_topics(Settings(_env_file=None, topics_file=file))
    assert str(refused.value).startswith(f"{file}:{place}")
    assert says in str(refused.value)
