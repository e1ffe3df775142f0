import inspect

from streams.actions import ACTIONS, performers
from streams.actions.connections import fake_connections
from streams.core import actions as core


def test_the_worker_performs_exactly_the_actions_that_are_not_inline() -> None:
    wanted = {name for name, spec in core.ACTIONS.items() if not spec.inline}
    assert ACTIONS.keys() == wanted


def test_every_performer_documents_its_config_fields() -> None:
    for name, performer in performers(fake_connections()).items():
        text = inspect.getdoc(type(performer)) or ""
        for field in core.ACTIONS[name].config.model_fields:
            assert f"``{field}``" in text, f"{name}: {field} is not in the docstring of {type(performer).__name__}"
