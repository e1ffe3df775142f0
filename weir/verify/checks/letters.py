"""Dead letters hold exactly what could not be used: each poison record once for each role that refuses it.

The processor and the router bury within their transactions, so once; bridge, action worker and projector at least once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from weir.verify.gathered import Gathered, Letter
from weir.verify.report import Difference
from weir.verify.sent import Poison, Sent

NAME = "letter"
ONCE = frozenset({"processor", "router"})
"""Roles that bury a record once."""

_Which = tuple[str, int, int | None, bytes]


def check(gathered: Gathered, sent: Sent) -> Iterator[Difference]:
    """Look for letters that are wrong in themselves, missing, twice, or of nothing that was poison."""
    for subject, why in gathered.malformed:
        yield Difference(NAME, subject, None, f"record: {why}")
    times = Counter((letter.topic, letter.partition, letter.offset, letter.role) for letter in gathered.letters)
    for (topic, partition, offset, role), count in times.items():
        if count > 1 and role in ONCE:
            why = f"letter: expected one of {role}, but the log has {count}"
            yield Difference(NAME, f"{topic}[{partition}] at {offset}", None, why)
    yield from _compare(gathered.letters, sent)


def _compare(letters: list[Letter], sent: Sent) -> Iterator[Difference]:
    placed = {(one.topic, one.partition, one.offset): one for one in sent.poison if one.offset is not None}
    by_value = {(one.topic, one.value): one for one in sent.poison if one.offset is None}
    found: defaultdict[_Which, Counter[str]] = defaultdict(Counter)
    for letter in letters:
        poison = placed.get((letter.topic, letter.partition, letter.offset))
        poison = poison or by_value.get((letter.topic, letter.value or b""))
        if poison is None:
            if sent.alone and not letter.retried:
                yield Difference(NAME, letter.source, None, f"letter: expected none of {letter.role}, but there is one")
            continue
        found[_which(poison)][letter.role] += 1
        if letter.role not in poison.buried_by:
            yield Difference(NAME, letter.source, None, f"letter: expected none of {letter.role}, but there is one")
        if (letter.value or b"") != poison.value:
            yield Difference(
                NAME, letter.source, None, "value: expected that of the record, but the letter has another"
            )
    for poison in sent.poison:
        if poison.uncertain:
            continue
        for role in poison.buried_by:
            if not found[_which(poison)][role]:
                where = f"{poison.topic}[{poison.partition}] at {poison.offset}"
                yield Difference(NAME, where, None, f"letter: expected one of {role}, but the log has none")


def _which(poison: Poison) -> _Which:
    return poison.topic, poison.partition, poison.offset, poison.value
