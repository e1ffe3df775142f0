"""What a seed's load is made of: a few kinds of processes, and of what happens to them; never all of it.

Swarm testing (Groce et al., ISSTA 2012): what is left out gives room to what is there, so that a few features meet
often instead of all of them now and then, and a seed costs less.  Over the seeds every pair of them comes to pass.
"""

from random import Random
from typing import NamedTuple

from tests.simulation import kinds, people
from tests.simulation.load import Kind, Load
from tests.simulation.world import World

PROCESSES = (2, 4)
"""Of so many kinds a seed has instances."""
BESIDES = (2, 3)
"""And so many kinds of things happen to them, or beside them."""
COUNT = (16, 26)
"""So much is done."""


class Feature(NamedTuple):
    """What is done, with how often in comparison; and the definitions and the role that it is done with."""

    kinds: dict[Kind, float]
    definitions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


READINGS: dict[Kind, float] = {kinds.reading: 5, kinds.mqtt_reading: 8}
OF_PROCESSES = {
    "approval": Feature(
        {
            kinds.start_approval: 4,
            kinds.start_with_own_id: 2,
            kinds.start_again: 1.5,
            kinds.signal: 5,
            kinds.signal_instance: 2,
        },
        ("approval",),
    ),
    "timed": Feature({kinds.start_timed: 4}, ("timed",)),
    "lined": Feature({kinds.start_lined: 6, kinds.correct: 3}, ("lined",)),
    "failing": Feature({kinds.start_failing: 2, kinds.correct: 3}, ("failing",)),
    "asking": Feature(
        {
            kinds.start_asking: 4,
            kinds.claim: 4,
            kinds.unclaim: 1,
            kinds.assign: 1,
            kinds.delegate: 4,
            kinds.complete: 12,
        },
        ("asking",),
    ),
    "paying": Feature({kinds.start_paying: 3, kinds.publish: 4}, ("paying", "reminded")),
    "calling": Feature({kinds.start_calling: 3}, ("calling", "timed", "failing")),
    "branched": Feature({kinds.start_branched: 4, kinds.signal: 1}, ("branched",)),
    "cooling": Feature(READINGS, ("cooling",)),
    "watching": Feature(READINGS, ("watching",)),
    "clocked": Feature({}, ("clocked",)),
}
"""By what is started."""
OF_ALL = {
    "cancel": Feature({kinds.cancel: 2}),
    "suspend": Feature({kinds.suspend: 2, kinds.resume: 3}),
    "migrate": Feature({kinds.deploy: 2, kinds.migrate: 3}),
    "switch": Feature({kinds.activate: 2, kinds.deactivate: 1}),
    "readings": Feature(READINGS),
    "people": Feature({people.walk: 5, people.write: 5, people.bad_record: 0.5}, roles=("station",)),
    "garbage": Feature(
        {kinds.poison: 1.5, kinds.bad_reading: 1, kinds.bad_mqtt_message: 0.5, kinds.start_what_nobody_knows: 0.5}
    ),
}
"""By what happens to whatever has been started, or beside it."""


def drawn_load(world: World) -> tuple[Load, list[Kind]]:
    """The load of a seed, and what it is to do: each kind once at least."""
    random = Random(world.random.random())
    feature = draw(random)
    more = max(0, random.randint(*COUNT) - len(feature.kinds))
    todo = [*feature.kinds, *random.choices(list(feature.kinds), list(feature.kinds.values()), k=more)]
    return Load(world, random, feature.definitions, feature.roles), todo


def draw(random: Random) -> Feature:
    """The features of a seed in one."""
    drawn = [OF_PROCESSES[name] for name in random.sample(list(OF_PROCESSES), random.randint(*PROCESSES))]
    drawn += [OF_ALL[name] for name in random.sample(list(OF_ALL), random.randint(*BESIDES))]
    done = {kind: weight for feature in drawn for kind, weight in feature.kinds.items()}
    names = dict.fromkeys(name for feature in drawn for name in feature.definitions)
    return Feature(done, tuple(names), tuple(role for feature in drawn for role in feature.roles))
