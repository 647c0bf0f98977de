import pytest
from structlog.typing import EventDict

from drivers.api import DeviceLost
from edged.alarms.sounder import ALARM, Sounder
from edged.core.alarm_words import AlarmName
from tests.edged.fakes import FakeIndicator, settle, until
from tests.edged.rig import Rig


@pytest.fixture
def siren(rig: Rig) -> FakeIndicator:
    siren = FakeIndicator("alarm_output")
    rig._run(Sounder(siren, rig.alarms).run())
    return siren


async def test_it_sounds_for_an_alarm_and_for_nothing_less(rig: Rig, siren: FakeIndicator) -> None:
    rig.alarms.change("front", AlarmName.LOCK_FAULT, raised=True)
    await settle()
    assert siren.shown == []
    rig.alarms.change("front", AlarmName.DOOR_FORCED, raised=True)
    await until(lambda: siren.shown == [ALARM])
    rig.alarms.change("front", AlarmName.DOOR_FORCED, raised=False)
    await settle()
    assert siren.shown == [ALARM]


@pytest.mark.parametrize("fault", [DeviceLost("alarm_output", "gone"), ArithmeticError("a bug")])
async def test_one_that_fails_is_tried_again(
    rig: Rig, siren: FakeIndicator, fault: Exception, logged: list[EventDict]
) -> None:
    siren.fails = fault
    rig.alarms.change("front", AlarmName.DOOR_FORCED, raised=True)
    await until(lambda: bool(logged))
    siren.fails = None
    rig.alarms.change("back", AlarmName.DOOR_FORCED, raised=True)
    await until(lambda: siren.shown == [ALARM])
