from datetime import timedelta

import pytest

from edged.core import limits
from hil.clocks.adversary import Betrayed, Schedule, places

SCHEDULES = 400


def test_no_liar_turns_a_clock_far_enough_to_let_anybody_in() -> None:
    houses = places()
    schedules = [Schedule(seed, houses[seed % 2]) for seed in range(SCHEDULES)]
    for schedule in schedules:
        schedule.run()
    assert sum(schedule.allowed - schedule.doubted for schedule in schedules) > SCHEDULES / 2
    assert sum(schedule.doubted for schedule in schedules) > SCHEDULES / 2


def test_a_clock_that_believes_too_much_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign can fail: a device that takes no notice of where NTP and the cloud disagree."""
    monkeypatch.setattr(limits, "DRIFT_PPM", 0.0)
    monkeypatch.setattr(limits, "SYNCED_ERROR", timedelta(0))
    houses = places()

    def run_all() -> None:
        for seed in range(20 * SCHEDULES):
            Schedule(seed, houses[seed % 2]).run()

    with pytest.raises(Betrayed):
        run_all()
