from uuid import UUID

import pytest
from aiokafka.partitioner import murmur2 as kafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.core import ids


@given(st.binary(max_size=64))
def test_murmur2_is_kafkas(data: bytes) -> None:
    assert ids.murmur2(data) == kafka_murmur2(data) & 0xFFFFFFFF


@given(st.integers(0, 2**48 - 1), st.integers(0, ids.MAX_PARTITIONS - 1), st.text())
def test_an_instance_id_tells_its_time_and_partition(ms: int, partition: int, cause: str) -> None:
    text = ids.instance_id(ms, partition, cause)
    uuid = UUID(text)
    assert (uuid.version, str(uuid)) == (8, text)
    assert (ids.started_at_ms(text), ids.partition_of(text)) == (ms, partition)
    assert text == ids.instance_id(ms, partition, cause)


def test_ids_of_other_causes_differ_and_sort_by_time() -> None:
    made = [ids.instance_id(1_000 + at, 3, f"process-commands/3:{at}/x") for at in range(1000)]
    assert len(set(made)) == 1000
    assert made == sorted(made)


@pytest.mark.parametrize("text", ["", "truck-1", "7b3c1f5e-0000-4000-8000-000000000000"])
def test_what_is_no_instance_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Expected a"):
        ids.check_instance_id(text)


def test_an_instance_id_is_brought_into_canonical_form() -> None:
    text = ids.instance_id(1, 2, "x")
    assert ids.check_instance_id(text.upper()) == text


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("pump-1", "pump-1"),
        (7, "7"),
        (5.0, "5"),
        (2.5, "2.5"),
        ("", None),
        (True, None),
        (None, None),
        ([1], None),
        (float("nan"), None),
        (float("inf"), None),
        ("x" * (ids.MAX_KEY_LENGTH + 1), None),
    ],
)
def test_a_key_is_a_text_or_a_finite_number(value: object, key: str | None) -> None:
    assert ids.key_text(value) == key
