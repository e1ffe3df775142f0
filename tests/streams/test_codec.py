import pytest

from streams import codec
from streams.core.commands import Signal, StartProcess
from streams.core.durations import instant
from streams.core.events import Event
from streams.core.state import Finished, HeldSignal, Key


def test_a_command_goes_round() -> None:
    command = StartProcess(id="c-1", definition_id="x", key="pump-3", variables={"temperature": 25.5})
    assert codec.decode_command(codec.encode_command(command)) == command


def test_a_person_may_leave_out_what_has_a_default() -> None:
    assert codec.decode_command(b'{"type":"signal","name":"go","key":"pump-3"}') == Signal(name="go", key="pump-3")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (None, "empty record"),
        (b"", "empty record"),
        (b"{", "Not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"type":"explode"}', "Invalid value 'explode'"),
        (b'{"name":"go"}', "missing required field `type`"),
        (b'{"type":"signal","key":"k"}', "missing required field `name`"),
        (b'{"type":"signal","name":7,"key":"k"}', r"Expected `str`, got `int` - at `\$.name`"),
        (b'{"type":"signal","name":"go","nme":"x"}', "unknown field `nme`"),
        (b'{"type":"signal","name":"","key":"k"}', r"length >= 1 - at `\$.name`"),
        (b'{"type":"signal","name":"go","v":2}', "format v1, but got v2: upgrade Weir"),
        (b'{"type":"signal","name":"go","payload":{"x":NaN}}', "Not JSON"),
        (b'{"type":"signal","name":"go","payload":{"x":1e999}}', "Number out of range"),
        (b'{"type":"signal","name":"go","payload":{"x":"a\\u0000b"}}', r"U\+0000"),
        (b'{"type":"signal","name":"go","payload":{"x":"\\ud800"}}', "half of a surrogate pair"),
        (b'{"type":"signal","name":"go","payload":{"x":"\xff"}}', "Not JSON"),
        (b'{"type":"signal","name":"go","payload":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}", "at most 100 levels"),
        (b'{"type":"signal","name":"' + b"g" * 300_000 + b'"}', "at most 262144 bytes, but got 300"),
    ],
)
def test_a_bad_command_is_told_what_is_wrong(raw: bytes | None, told: str) -> None:
    with pytest.raises(codec.BadRecordError, match=told):
        codec.decode_command(raw)


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    command = codec.decode_command(rb'{"type":"signal","name":"go","payload":{"path":"C:\\u0000"}}')
    assert command == Signal(name="go", payload={"path": "C:\\u0000"})
    many = rb"\\u0000" * 30_000
    assert codec.decode_command(b'{"type":"signal","name":"go","payload":{"path":"' + many + b'"}}')
    with pytest.raises(codec.BadRecordError, match=r"U\+0000"):
        codec.decode_command(b'{"type":"signal","name":"go","payload":{"path":"' + many + rb'\u0000"}}')


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"21.5", "JSON object, but got float"),
        (b'{"tags":[]}', "object in 'tags' of a reading, but got list"),
        (b'{"fields":1}', "object in 'fields'"),
        (b'{"fields":{"x":1e999}}', "infinity"),
        (b'{"fields":{"x":"\\u0000"}}', r"U\+0000"),
    ],
)
def test_a_bad_reading_is_told_what_is_wrong(raw: bytes, told: str) -> None:
    with pytest.raises(codec.BadRecordError, match=told):
        codec.decode_reading(raw)


def _event(**data: object) -> Event:
    return Event(1, "started", "x", 1, instant(0), "d", 1, "0:0", data=dict(data))


def test_an_event_carries_its_format_and_leaves_out_what_it_has_not() -> None:
    raw = codec.encode_event(_event(a=1))
    assert raw == (
        b'{"v":1,"type":"started","subject":"x","seq":1,"time":"1970-01-01T00:00:00Z","definition_id":"d",'
        b'"definition_version":1,"cause":"0:0","data":{"a":1}}'
    )
    assert codec.decode_event(raw) == _event(a=1)


def test_what_is_too_large_or_unstorable_is_not_written() -> None:
    with pytest.raises(codec.LimitError, match="started of at most 65536 bytes, but got"):
        codec.encode_event(_event(a="x" * 70_000))
    with pytest.raises(codec.LimitError, match=r"'report' alone has 70002\. Keep less in it, or a reference to where"):
        codec.encode_event(_event(variables={"n": 1, "report": "x" * 70_000}))
    with pytest.raises(codec.LimitError, match=r"U\+0000"):
        codec.encode_event(_event(a="\0"))


def test_an_integer_beyond_64_bits_is_not_kept() -> None:
    with pytest.raises(codec.LimitError, match="64 bits"):
        codec.encode_entity(Key(1, "k", signals=[HeldSignal("go", {"x": 2**70})]))


def test_records_of_a_newer_weir_stop_the_reader() -> None:
    newer = codec.encode_event(_event()).replace(b'"v":1', b'"v":2')
    with pytest.raises(codec.UpgradeError, match="upgrade"):
        codec.decode_event(newer)
    with pytest.raises(codec.UpgradeError, match="upgrade"):
        codec.decode_event_head(newer)
    with pytest.raises(codec.UpgradeError, match="upgrade"):
        codec.decode_event(b'{"v":2,"kind":"started","of":"x"}')
    with pytest.raises(codec.UpgradeError, match="upgrade"):
        codec.decode_entity(codec.encode_entity(Finished(2, "completed", 9, 0)))
