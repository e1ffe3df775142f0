"""The scenarios on a plant in memory, and that all of the plan's are there."""

import pytest

from tests.scenarios.seed import SEED, SUITES, TOPICS, processes, scenario_of
from weir.testkit.coverage import Coverage
from weir.testkit.read import Loaded
from weir.testkit.run import run


def test_each_definition_that_ships_has_tests() -> None:
    assert {one.file.name for one in SUITES} == {one.with_suffix(".test.yaml").name for one in processes()}
    assert [one.problems for one in SUITES] == [[]] * len(SUITES)


@pytest.mark.parametrize("process", SEED)
def test_each_scenario_of_the_plan_is_played_once(process: str) -> None:
    played = [
        scenario_of(case)
        for suite in SUITES
        if any(one.name == process for one in suite.definitions)
        for case in suite.cases
    ]
    assert {name: played.count(name) for name in SEED[process]} == dict.fromkeys(SEED[process], 1)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.file.name)
def test_they_pass_and_run_all_of_their_definition(suite: Loaded) -> None:
    coverage = Coverage(suite.definitions[0])
    for number in range(len(suite.cases)):
        outcome = run(suite, number, TOPICS)
        assert outcome.failures == []
        coverage.add(outcome.events)
    assert coverage.missing == []
