"""What goes wrong, by seed.  A fault strikes a process before one of its next callbacks, so in the middle of its work.

It counts when it has hit: a process that lives, sessions that are open.
"""

from collections.abc import Callable, Sequence
from random import Random

from streams.station.relay import LOCK
from streams.topics import group_of
from tests.simulation.process import KILLED, Process
from tests.simulation.site import settings
from tests.simulation.world import World

BEGINS_S, ENDS_S = 2.5, 13.0
COUNT = (3, 7)
CALLBACKS, REQUESTS = 60, 12
"""A strike comes within so many callbacks of a process, or right behind one of so many of its requests."""
TRANSACTIONAL, IN_A_TRANSACTION, OF_A_TRANSACTION = {"processor", "router", "station"}, 1 / 3, 6
"""Of these roles that share is struck right behind one of the next so many requests of transactions."""
CLOCK_S = 8.0
"""A clock that is ahead by more than an action has time gives it up: by the worker's clock its deadline came."""
TARGETS = {"processor": 4, "router": 3, "actions": 2, "projector": 3, "bridge": 2, "station": 4}
"""Roles, and how often they are struck in comparison."""

INTAKE = "weir-station"
COMMITTING = {"projector": ("weir-projector",) * 2, "station": (INTAKE, INTAKE, "weir-station-relay")}
"""Roles that write to the database, and what they call their sessions, as often as they are meant."""

LOADED_S, DISTURBANCES = (10.0, 20.0), (2, 4)
RESTORED_S = 3.0
"""Within that time a table is mostly restored."""
GROUPS = ("processor",) * 5 + ("router", "actions", "projector")
"""Roles whose groups rebalance again and again, as often as they are meant."""

Strike = Callable[[World, Random, Process], None]


def kill(world: World, random: Random, process: Process) -> None:
    """Kill -9."""
    process.end(KILLED, "killed")


def pause(world: World, random: Random, process: Process) -> None:
    """SIGSTOP, for less than a session."""
    _stop(world, process, random.uniform(0.1, 3.0))


def zombie(world: World, random: Random, process: Process) -> None:
    """SIGSTOP until the others have taken over; then it goes on with whatever it was doing."""
    if process.name.startswith("actions"):
        world.ledger.prompt = False  # where there is one worker only, requests may meet their deadline meanwhile
    _stop(world, process, random.uniform(7.0, 20.0))


def clock(world: World, random: Random, process: Process) -> None:
    """The clock of the machine jumps, and is set right after a while."""
    process.clock_ahead_s = random.choice((-1, 1)) * random.uniform(0.5, CLOCK_S)
    world.skew_s = max(world.skew_s, process.clock_ahead_s)
    world.at(random.uniform(1.0, 8.0), lambda: setattr(process, "clock_ahead_s", 0.0))


def _stop(world: World, process: Process, for_s: float) -> None:
    process.stalled = True

    def go_on() -> None:
        process.stalled = False
        world.loop.wake(process)

    world.at(for_s, go_on)


def restart(world: World, random: Random) -> bool:
    """SIGTERM; the supervisor starts it again."""
    place = random.choice(world.places("processor", "router", "actions", "projector", "station"))
    return world.terminate(place)


def join(world: World, random: Random) -> bool:
    """One more worker of a role, which leaves after a while."""
    station = ("station",) if "station" in world.roles else ()
    role = random.choice(("processor", "processor", "router", "actions", "projector", *station))
    place = f"{role}-{world.next_place(role)}"
    world.start(place)
    world.at(random.uniform(3.0, 9.0), lambda: world.terminate(place, for_good=True))
    return True


def database(world: World, random: Random) -> bool:
    """PostgreSQL stops at once and is away for a while."""
    sessions = list(world.database.sessions)
    world.database.drop_all()
    world.database.network.away_until = world.loop.now + random.uniform(0.0, 3.0)
    return bool(sessions)


def commit(world: World, random: Random) -> bool:
    """A role's database session breaks in the middle of its next commit, before or after it has taken place."""
    return _break_commit(world, random, "commit", [one for role in world.roles for one in COMMITTING.get(role, ())])


def intake(world: World, random: Random) -> bool:
    """That of the station's intake does."""
    return _break_commit(world, random, "intake", [INTAKE])


def _break_commit(world: World, random: Random, fault: str, applications: Sequence[str]) -> bool:
    world.database.break_commit = (
        random.choice(applications),
        _once(world, fault, random.choice(("before", "after"))),
    )
    return False


def relay(world: World, random: Random) -> bool:
    """Who relays the station's outbox is stopped in the middle of a transaction, until another one does it."""
    process = world.database.holder(LOCK)
    if process is not None:

        def hit() -> None:
            world.faults["relay"] += 1
            zombie(world, random, process)

        process.strike_after(hit, requests=random.randint(1, OF_A_TRANSACTION), only_transactional=True)
    return False


def mqtt(world: World, random: Random) -> bool:
    """The bridge's connection breaks, and for a while the broker takes nothing from anybody."""
    world.plant.network.away_until = world.loop.now + random.uniform(0.0, 5.0)
    return world.plant.drop()


def kafka(world: World, random: Random) -> bool:
    """The broker cannot be reached for a while; what it has been asked it has done, or does then."""
    world.broker.network.away_until = world.loop.now + random.uniform(0.2, 4.0)
    return True


def rebalances(world: World, random: Random) -> bool:
    """A group rebalances again and again while the broker is slow.

    Who restores a table is overtaken by a generation that does not follow on its own, since one was given to nobody.
    """
    group = world.broker.group(group_of(settings(), random.choice(GROUPS)))
    for _ in range(random.randint(*DISTURBANCES)):
        group.disturbances += [random.uniform(0.0, RESTORED_S), 0.0, random.uniform(RESTORED_S, 2 * RESTORED_S)]
    world.broker.network.loaded_until = world.loop.now + random.uniform(*LOADED_S)
    return group.disturb()


def outcome(world: World, random: Random) -> bool:
    """The connection to Kafka breaks at the end of the next transaction: only the log knows what became of it."""
    world.broker.lose = _once(world, "outcome", random.choice(("request", "answer")))
    return False


def _once(world: World, fault: str, what: str) -> Callable[[], str]:
    """Says ``what`` goes wrong when it does, and counts it then."""

    def hit() -> str:
        world.faults[fault] += 1
        return what

    return hit


STRIKES: dict[str, tuple[float, Strike]] = {
    "kill": (6, kill),
    "pause": (2, pause),
    "zombie": (2, zombie),
    "clock": (1, clock),
}
"""Of one process, and how often in comparison."""

EVENTS: dict[str, tuple[float, Callable[[World, Random], bool]]] = {
    "restart": (1, restart),
    "join": (1, join),
    "database": (1, database),
    "commit": (1, commit),
    "relay": (1, relay),
    "intake": (1, intake),
    "mqtt": (1, mqtt),
    "kafka": (0.7, kafka),
    "outcome": (0.7, outcome),
    "rebalances": (1.5, rebalances),
}
"""Of anything else.  They tell whether they have hit at once."""
OF_ROLE = {"relay": "station", "intake": "station"}
"""Those that only come where there is that role."""


class Faults:
    """Draws the faults of a world."""

    def __init__(self, world: World) -> None:
        self._world, self._random = world, Random(world.random.random())

    def begin(self) -> None:
        """Have them come in their time."""
        kinds = {
            name: weight
            for name, (weight, _) in (*STRIKES.items(), *EVENTS.items())
            if name not in OF_ROLE or OF_ROLE[name] in self._world.roles
        }
        for _ in range(self._random.randint(*COUNT)):
            [kind] = self._random.choices(list(kinds), list(kinds.values()))
            self._world.at(self._random.uniform(BEGINS_S, ENDS_S), lambda kind=kind: self._cause(kind))

    def _cause(self, kind: str) -> None:
        world, random = self._world, self._random
        if kind in EVENTS:
            if EVENTS[kind][1](world, random):
                world.faults[kind] += 1
            return
        if not (places := world.places()):
            return
        [place] = random.choices(places, [TARGETS[place.partition("-")[0]] for place in places])
        process = world.running[place].process
        strike = STRIKES[kind][1]

        def hit() -> None:
            world.faults[kind] += 1
            strike(world, random, process)

        if place.partition("-")[0] in TRANSACTIONAL and random.random() < IN_A_TRANSACTION:
            process.strike_after(hit, requests=random.randint(1, OF_A_TRANSACTION), only_transactional=True)
        elif random.random() < 0.5:
            process.strike_after(hit, callbacks=random.randint(1, CALLBACKS))
        else:
            process.strike_after(hit, requests=random.randint(1, REQUESTS))
