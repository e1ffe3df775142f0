"""What people call an instance."""

from pathlib import Path
from typing import Any

import pytest

from streams.core.apply import apply_event
from streams.core.commands import Migrate, Signal
from streams.core.diff import diff
from streams.core.events import Event
from streams.core.parse import check_definition, parse_definition
from streams.core.reference import Reference
from streams.core.state import Instance
from tests.core.plant import Folded, Plant, fold

ORDER = """
id: order
version: 1
reference: "Pump ${device_id}, order ${number}"
trigger: {type: api, mode: parallel}
variables: [{name: device_id, required: true}, {name: number}, {name: by}]
activities:
  - {id: wait, type: message, name: go, output: {number: number}}
  - {id: told, type: service, action: log, config: {message: "${by} ${number}"}}
"""


def _reference(plant: Plant, instance: str) -> str | None:
    state = plant.state(instance)
    assert isinstance(state, Instance)
    return state.reference


def test_it_is_made_from_what_the_start_brought() -> None:
    plant = Plant(ORDER)
    instance = plant.start("order", device_id="P-7", number=4711)
    assert plant.log[0].data["reference"] == _reference(plant, instance) == "Pump P-7, order 4711"


def test_it_stays_when_the_variables_change_and_the_version_does() -> None:
    plant = Plant(ORDER)
    instance = plant.start("order", device_id="P-7", number=1)
    plant.add(ORDER.replace("version: 1", "version: 2").replace("Pump", "Machine"))
    plant.do(Migrate(instance_id=instance, version=2))
    assert _reference(plant, instance) == "Pump P-7, order 1"
    plant.do(Signal(name="go", instance_id=instance, payload={"number": 2}))
    assert [event.data["reference"] for event in plant.log if "reference" in event.data] == ["Pump P-7, order 1"]
    assert fold(plant.log).records == plant.table.records


@pytest.mark.parametrize(
    ("text", "variables", "made"),
    [
        ("Pump ${d}, order ${n}", {"d": "P-7", "n": None}, "Pump P-7, order ?"),
        ("Pump ${d}, order ${n}", {"d": "P-7", "n": "  "}, "Pump P-7, order ?"),
        ("Pump ${d}, ${n.x}", {"d": "P-7", "n": {}}, "Pump P-7, ?"),
        ("Pump ${d}, ${1 / n}", {"d": "P-7", "n": 0}, "Pump P-7, ?"),
        ("Pump ${d}, order ${n}", {"d": None, "n": None}, None),
        ("${n}", {"n": 25.0}, "25"),
        ("${n}", {"n": False}, "false"),
        ("${n}", {"n": [1, {"a": 2}]}, '[1,{"a":2}]'),
        (" the\n  ${n}\tweekly ", {"n": "a\nb"}, "the a b weekly"),
        ("Weekly", {}, "Weekly"),
        (" ", {}, None),
        ("$${n}", {"n": 1}, "${n}"),
        ("${n}", {"n": "x" * 200}, "x" * 200),
        ("${n}", {"n": "x" * 201}, "x" * 199 + "…"),
    ],
)
def test_it_never_keeps_an_instance_from_starting(text: str, variables: dict[str, Any], made: str | None) -> None:
    assert Reference(text).render(variables) == made


def test_one_without_a_value_is_left_out_of_the_event() -> None:
    plant = Plant(ORDER.replace("Pump ${device_id}, order ${number}", "${number}"))
    instance = plant.start("order", device_id="P-7")
    assert "reference" not in plant.log[0].data
    assert _reference(plant, instance) is None


def test_what_started_before_there_were_references_folds() -> None:
    plant = Plant(ORDER)
    plant.start("order", device_id="P-7")
    first = plant.log[0]
    old = Event(*(getattr(first, name) for name in first.__struct_fields__[:-1]), {"key": None, "variables": {}})
    folded = Folded()
    apply_event(folded, old)
    state = folded.get(first.subject)
    assert isinstance(state, Instance)
    assert state.reference is None


def test_the_variables_in_it_are_read() -> None:
    _, problems = check_definition(ORDER.replace("${by} ", ""))
    assert [one.message for one in problems] == ["Nothing reads variable 'by'"]


def test_a_definition_without_one_has_the_hash_that_it_had() -> None:
    without = "".join(line for line in ORDER.splitlines(keepends=True) if not line.startswith("reference"))
    assert parse_definition(without + "reference:\n").hash == parse_definition(without).hash
    (change,) = diff(parse_definition(without), parse_definition(ORDER))
    assert (change.part, change.field, change.new) == ("process", "reference", "Pump ${device_id}, order ${number}")


def test_the_definitions_that_ship_are_without_complaints_of_it() -> None:
    for file in sorted((Path(__file__).parents[2] / "definitions").glob("*.yaml")):
        if not file.name.endswith(".test.yaml"):
            assert [one for one in check_definition(file.read_text())[1] if one.path == "reference"] == []
