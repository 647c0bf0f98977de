from datetime import timedelta

from edged import limits
from edged.core.alarm_words import AlarmName, Severity
from tests.edged.rig import Rig


async def test_an_alarm_is_raised_once_and_cleared_once(rig: Rig) -> None:
    for raised in (False, True, True, False, False, True):
        rig.alarms.change("front", AlarmName.DOOR_FORCED, raised=raised)
        rig.clock.skip(1_000)
    await rig.written()
    records = rig.records("alarm")
    assert [(one["source"], one["alarm"], one["raised"]) for one in records] == [
        ("front", "DOOR_FORCED", True),
        ("front", "DOOR_FORCED", False),
        ("front", "DOOR_FORCED", True),
    ]
    assert [one["raised"] for one in await rig.said("alarm")] == [True, False, True]


async def test_what_is_up_is_listed_with_its_beginning(rig: Rig) -> None:
    rig.alarms.change("front", AlarmName.DOOR_FORCED, raised=True)
    rig.clock.skip(1_500)
    rig.alarms.change("back", AlarmName.DOOR_FORCED, raised=True)
    rig.clock.step_wall(timedelta(hours=-1))
    rig.alarms.change("front", AlarmName.LOCK_FAULT, raised=True, cause="no answer")
    rig.alarms.change("back", AlarmName.DOOR_FORCED, raised=False)
    assert rig.alarms.listing() == [
        {
            "source": "front",
            "alarm": "DOOR_FORCED",
            "severity": "alarm",
            "since": "2026-11-04T03:00:00.000Z",
        },
        {
            "source": "front",
            "alarm": "LOCK_FAULT",
            "severity": "warning",
            "since": "2026-11-04T02:00:01.500Z",
            "cause": "no answer",
        },
    ]


async def test_an_alarm_says_since_when_it_was_up_and_why(rig: Rig) -> None:
    rig.alarms.change("front.lock", AlarmName.DEVICE_LOST, raised=True, cause="x" * 999)
    rig.clock.skip(1_500)
    rig.alarms.change("front.lock", AlarmName.DEVICE_LOST, raised=False)
    await rig.written()
    raised, cleared = rig.records("alarm")
    for record in (raised, cleared):
        assert (record["severity"], record["since"]) == ("warning", "2026-11-04T03:00:00.000Z")
        assert record["cause"] == "x" * limits.ALARM_CAUSE_CHARS
    assert cleared["occurred_at"] == "2026-11-04T03:00:01.500Z"


async def test_one_that_flaps_is_counted_and_shown_all_the_same(rig: Rig) -> None:
    flaps = 500
    for _ in range(flaps):
        rig.alarms.change("front", AlarmName.TAMPER, raised=True)
        rig.alarms.change("front", AlarmName.TAMPER, raised=False)
    rig.alarms.change("front", AlarmName.TAMPER, raised=True)
    rig.alarms.change("back", AlarmName.TAMPER, raised=True)
    assert [one["source"] for one in rig.alarms.listing()] == ["front", "back"]
    for _ in range(2):
        rig.alarms.sum_up()
    await rig.written()
    assert len(rig.records("alarm")) == limits.TALLY_BURST + 1
    [summed] = rig.records("summed")
    assert (summed["source"], summed["what"], summed["raised"]) == ("front", "TAMPER", True)
    assert summed["count"] == 2 * flaps + 1 - limits.TALLY_BURST


async def test_the_worst_is_the_gravest(rig: Rig) -> None:
    worst = [rig.alarms.worst()]
    for name in (AlarmName.LOCK_FAULT, AlarmName.TAMPER, AlarmName.DOOR_HELD_SOON):
        rig.alarms.change("front", name, raised=True)
        worst.append(rig.alarms.worst())
    assert worst == [None, Severity.WARNING, Severity.ALARM, Severity.ALARM]
