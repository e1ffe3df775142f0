"""The order names what is there."""

from tests.order import FIRST, ROOT


def test_each_file_that_comes_first_is_there_once() -> None:
    assert [file for file in FIRST if not (ROOT / file).is_file()] == []
    assert len(set(FIRST)) == len(FIRST)
