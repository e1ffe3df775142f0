"""When the table may forget what has ended."""

from streams.endings import MAX_MARKS, MIN_MARK_MS, MORE_A_BATCH, Endings

DAY_MS = 86_400_000


def test_more_are_forgotten_than_end_however_many_end_at_a_time() -> None:
    endings = Endings(DAY_MS)
    left, step = 0, 5 * MORE_A_BATCH
    for batch in range(2 * MAX_MARKS // step):
        now = batch * MIN_MARK_MS
        for number in range(step):
            endings.add(now, f"{batch}-{number}", failed=False)
        left += step - len(endings.take(now))
        endings.forgotten()
    assert left <= MAX_MARKS + step


def test_what_a_failed_batch_took_is_offered_again() -> None:
    endings = Endings(DAY_MS)
    for number in range(3):
        endings.add(number, f"{number}", failed=False)
    assert endings.take(DAY_MS) == ["0"]
    assert endings.take(DAY_MS + 1) == ["0", "1"]
    endings.forgotten()
    assert endings.take(2 * DAY_MS) == ["2"]


def test_a_table_that_comes_back_is_forgotten_piece_by_piece() -> None:
    endings = Endings(DAY_MS)
    for number in range(3 * MORE_A_BATCH):
        endings.add(number, f"{number:04}", failed=False)
    endings.sort()
    assert len(endings.take(2 * DAY_MS)) == MORE_A_BATCH
