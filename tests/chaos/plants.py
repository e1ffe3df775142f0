"""A role with bugs planted (``tests.mutations``): ``python -m tests.chaos.plants NAME… ROLE`` runs it."""

import sys
from contextlib import ExitStack

from tests.mutations import MUTATIONS
from weir.role import MODULES
from weir.role import main as role_main

CORE_ROLE = "processor"
"""Whose code is the core's and the transport's, as far as bugs there are worth planting."""


def role_of(name: str) -> str:
    """The role whose process gets the bug: there is a file of bugs for each."""
    file = MUTATIONS[name].__module__.rpartition(".")[2]
    return file if file in MODULES else CORE_ROLE


def main(argv: list[str]) -> int:
    """``argv``: names of bugs, and the role."""
    *names, role = argv
    with ExitStack() as planted:
        for name in names:
            planted.enter_context(MUTATIONS[name]())
        return role_main([role])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
