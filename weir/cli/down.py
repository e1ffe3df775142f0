"""``weir down``: stop what ``weir up`` has started."""

import typer

from weir.cli import options
from weir.cli.output import Bar, out, print_json
from weir.cli.session import session_of


def down(ctx: typer.Context, json: options.Json = False) -> None:
    """Stop the roles and services of this home, by pid, and nothing else. Nothing is lost: `weir up` resumes."""
    session = session_of(ctx)
    running = session.stack.running()
    with Bar() as bar:
        session.stack.down(bar.step)
    if json:
        print_json({"stopped": running})
    else:
        out().print(f"stopped {', '.join(reversed(running))}" if running else "nothing was running", markup=False)
