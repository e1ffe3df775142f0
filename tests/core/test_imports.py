"""What a role imports is what it needs: each second of CPU is one that a killed worker is missed longer."""

import subprocess
import sys


def test_cel_comes_without_its_command_line() -> None:
    """When ``cel.cli`` is no longer imported by the package itself, ``cel_alone.py`` may go."""
    script = (
        "import sys, streams.core.expressions as e; print(e.compile_expression('a > 1').test({'a': 2}), *sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "True"
    assert not {name.split(".")[0] for name in said} & {"prompt_toolkit", "rich", "typer"}
    with_it = [sys.executable, "-c", "import sys, cel; print('cel.cli' in sys.modules)"]
    assert subprocess.run(with_it, capture_output=True, text=True, check=True).stdout.split() == ["True"]
