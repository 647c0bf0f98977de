from datetime import timedelta

from edged.core.alarm_words import AlarmName
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
