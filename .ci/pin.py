"""Write what `uv` resolved into `[tool.uv] constraint-dependencies` of pyproject.toml.

The lock file names the registry that it was made with, so it is not kept; these pins say the same without it.
Run after a change of dependencies: `uv run poe pin`.
"""

import re
import subprocess
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
BLOCK = re.compile(r"constraint-dependencies = \[.*?\n\]\n", re.DOTALL)


def main() -> None:
    """Resolve, and replace the block."""
    text = PYPROJECT.read_text()
    PYPROJECT.write_text(BLOCK.sub("constraint-dependencies = [\n]\n", text))
    export = [
        "uv",
        "export",
        "--quiet",
        "--all-groups",
        "--no-hashes",
        "--no-header",
        "--no-annotate",
        "--no-emit-project",
    ]
    resolved = subprocess.run(export, capture_output=True, text=True, check=True, cwd=PYPROJECT.parent).stdout
    pins = sorted({line.split(";")[0].strip() for line in resolved.splitlines() if "==" in line})
    block = "constraint-dependencies = [\n" + "".join(f'    "{pin}",\n' for pin in pins) + "]\n"
    PYPROJECT.write_text(BLOCK.sub(block, text))


if __name__ == "__main__":
    main()
