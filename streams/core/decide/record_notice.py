"""``record_notice``: what became of a notice.  One answer is recorded for each; later ones are refused."""

from typing import Any

from streams.core.commands import RecordNotice
from streams.core.decide.target import KEPT, target_instance
from streams.core.turn import Turn


def record_notice(turn: Turn, command: RecordNotice) -> None:
    """Nothing goes on because of it, so it is recorded while the instance stands still, too."""
    instance = target_instance(turn, command.instance_id, "answer", KEPT)
    if instance is None:
        return
    if command.notice not in instance.notices:
        text = f"Instance {instance.id} does not expect what became of notice {command.notice}: it was told before"
        turn.reject("not_awaited", text, instance.id)
        return
    data: dict[str, Any] = {"notice": command.notice}
    if command.error_type is None:
        turn.emit(instance, "notice_sent", data)
    else:
        data |= {"error_type": command.error_type, "error": command.error or ""}
        turn.emit(instance, "notice_failed", data, message=command.error)
