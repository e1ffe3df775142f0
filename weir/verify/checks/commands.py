"""Every command has exactly one outcome: its events, or one rejection, or one dead letter.

Ask once they are processed.  A command that was forwarded to its home stands there again, and has its outcome there.
What moves soft records only (``observe``, ``observe_pattern``) has no outcome that the log shows, unless it is refused.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import get_args

from streams.core.commands import SoftCommand
from weir.verify.canonical import canonical
from weir.verify.gathered import Gathered, Outcome, Standing
from weir.verify.report import Difference
from weir.verify.sent import Acknowledged, Place, Sent

NAME = "command"
SOFT = frozenset(str(one.__struct_config__.tag) for one in get_args(SoftCommand))
TAKES_MESSAGE = frozenset({"signal_received", "signal_buffered"})


def check(gathered: Gathered, sent: Sent) -> Iterator[Difference]:
    """Judge what stands on the topic, and look for what was acknowledged."""
    for place, standing in gathered.commands.items():
        if standing.copy_of not in gathered.commands:  # else it is judged where it was sent
            why = _wrong(standing, gathered.of(place))
            if why is not None:
                yield _difference(place, standing.id, f"outcome: {why}")
    originals = _originals(gathered)
    for one in sent.commands:
        if (why := _missing(one, gathered, originals)) is not None:
            yield _difference((one.partition, one.offset), one.command_id, why)
    yield from _wrongly_sent(gathered, originals, sent)


def _wrongly_sent(gathered: Gathered, originals: dict[str, list[Place]], sent: Sent) -> Iterator[Difference]:
    """What the processor sends in a transaction stands there once; what nobody has sent does not."""
    ours = {one.command_id for one in sent.commands} | sent.uncertain
    for command_id, places in originals.items():
        if not gathered.commands[places[0]].follow_up:
            if sent.alone and command_id not in ours:
                yield _difference(places[0], command_id, "sender: expected none, since nobody has sent it")
        elif len(places) > 1:
            where = ", ".join(f"{partition}:{offset}" for partition, offset in places)
            why = f"record: expected the follow-up once, but the log has it at {where}"
            yield _difference(places[0], command_id, why)


def _originals(gathered: Gathered) -> dict[str, list[Place]]:
    """Where each id stands, but for copies and what was sent again from its dead letter."""
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for place, standing in gathered.commands.items():
        if standing.id is not None and standing.copy_of not in gathered.commands and not standing.retried:
            found[standing.id].append(place)
    return found


def _missing(one: Acknowledged, gathered: Gathered, originals: dict[str, list[Place]]) -> str | None:
    place = (one.partition, one.offset)
    if one.offset < gathered.first.get(one.partition, 0):  # dropped from the topic, so it was processed
        found = gathered.of(place)
        return f"outcome: {_not_one(found)}" if sum(_counts(found)) > 1 else None
    if place not in gathered.commands:
        return "record: expected it where Kafka has acknowledged it, but the log has none there"
    standing = gathered.commands[place]
    if one.command_id is None or standing.kind is None:
        return None
    if standing.id != one.command_id:
        return f"id: expected {one.command_id} where Kafka has acknowledged it, but the log has {standing.id} there"
    if len(originals[one.command_id]) > 1:
        places = ", ".join(f"{partition}:{offset}" for partition, offset in originals[one.command_id])
        return f"record: expected it once, but the log has it at {places}"
    return None


def _wrong(standing: Standing, found: list[Outcome]) -> str | None:
    """What is wrong with the outcome of a command, at all the places where it stands."""
    outcomes = _counts(found)
    if standing.kind is None:
        return None if outcomes == (0, 0, 1) else _not_one(found)
    if standing.kind in SOFT:
        return None if outcomes in {(0, 0, 0), (0, 1, 0), (0, 0, 1)} else _not_one(found)
    return _not_one(found) if sum(outcomes) != 1 else _repeated(standing, found)


def _repeated(standing: Standing, found: list[Outcome]) -> str | None:
    """What is wrong with the events of a command: done twice, or to another message than was sent."""
    for one in found:
        for (kind, subject), times in one.taken.items():
            if times > 1:
                return f"expected it to be carried out once, but the log has {kind} of {subject} more than once"
        if len({kind for kind, _ in one.taken} & TAKES_MESSAGE) > 1:
            return "expected the message to be received or to wait with its key, but it was received and waits"
    if standing.message is not None:
        sent = canonical([*standing.message])
        if any(canonical([*message]) != sent for one in found for message in one.messages):
            return f"expected the message {standing.message[0]!r} as it was sent, but another was received"
    return None


def _counts(found: list[Outcome]) -> tuple[int, int, int]:
    """With events, rejections, dead letters."""
    return (
        sum(one.accepted for one in found),
        sum(one.rejections for one in found),
        sum(one.dead_letters for one in found),
    )


def _not_one(found: list[Outcome]) -> str:
    accepted, rejections, letters = _counts(found)
    return f"expected exactly one, but got {accepted} with events, {rejections} rejections, {letters} dead letters"


def _difference(place: Place, command_id: str | None, why: str) -> Difference:
    where = f"at {place[0]}:{place[1]}"
    return Difference(NAME, command_id or where, None, f"{why} (command {where})")
