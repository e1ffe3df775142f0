"""The registry of checks."""

import pkgutil

from streams.core import validation
from streams.core.validation import PART_CHECKS, WHOLE_CHECKS


def test_every_check_is_in_a_registry() -> None:
    files = {module.name for module in pkgutil.iter_modules(validation.__path__)}
    assert {*PART_CHECKS, *WHOLE_CHECKS} == files - {"parts", "simple", "typing"}
