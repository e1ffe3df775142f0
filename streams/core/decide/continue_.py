"""``continue``: an instance had more to do than one command does."""

from streams.core.commands import Continue
from streams.core.decide.target import target_instance
from streams.core.flow.flow import Flow
from streams.core.places import split_place
from streams.core.step import run
from streams.core.turn import Turn


def continue_(turn: Turn, command: Continue) -> None:
    """Let the tokens that have yielded go on, in the order in which they did."""
    instance = target_instance(turn, command.instance_id, "continue")
    if instance is None:
        return
    yielded = [place for place, wait in instance.waiting.items() if wait.kind == "continue"]
    if not yielded:
        turn.reject("not_awaited", f"Instance {instance.id} has nothing to continue", instance.id)
        return
    flow = Flow(turn, instance, turn.process_of(instance))
    flow.emit("continued", {"tokens": len(yielded)})
    for place in yielded:
        activity_id, token = split_place(place)
        flow.go(token, activity_id)
    run(flow)
