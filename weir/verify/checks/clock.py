"""Each moment that fired has sent one start, and no start says of itself that a clock has sent it when none has."""

from collections import Counter
from collections.abc import Iterator

from weir.verify.gathered import Gathered
from weir.verify.report import Difference
from weir.verify.sent import Sent

NAME = "clock"


def check(gathered: Gathered, _sent: Sent) -> Iterator[Difference]:
    """Compare what schedules fired with the starts on the topic, and with each other."""
    for (schedule, trigger, nominal), times in Counter(gathered.fired.values()).items():
        if times > 1:
            why = f"nominal: expected {nominal} of trigger {trigger} to fire once, but the log has it {times} times"
            yield Difference(NAME, schedule, None, why)
    for instance, times in gathered.clock_starts.items():
        if instance not in gathered.fired:
            yield Difference(NAME, instance, None, "start: expected none, since no schedule has fired it")
        elif times > 1:
            yield Difference(NAME, instance, None, f"start: expected one, but the log has {times}")
    if any(gathered.first.values()):
        return  # the first commands are gone, since they were carried out
    for instance in gathered.fired.keys() - gathered.clock_starts.keys():
        schedule, _, nominal = gathered.fired[instance]
        yield Difference(NAME, schedule, None, f"start: expected that of {nominal}, {instance}, but the log has none")
