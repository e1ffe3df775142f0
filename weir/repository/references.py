"""Definitions that start others: what is started is deployed first, and what is nowhere is told."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from streams.core.definition import ProcessDefinition


def references(definition: ProcessDefinition) -> frozenset[str]:
    """Ids of the definitions that its activities start, as far as they are written out."""
    return frozenset(name for activity in definition.all_activities() for name in activity.starts())


def in_order(groups: Mapping[str, Sequence[ProcessDefinition]]) -> list[str]:
    """The ids of ``groups``, those first that others refer to; as they came where they refer to each other."""
    needs = {
        name: {one for each in group for one in references(each)} & groups.keys() - {name}
        for name, group in groups.items()
    }
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError:
        return list(groups)


def missing(definition: ProcessDefinition, known: Iterable[str]) -> list[str]:
    """What it starts and nobody has deployed, nor is about to."""
    return sorted(references(definition) - set(known) - {definition.id})
