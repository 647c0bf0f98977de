import re
from pathlib import Path

from edged.core.alarm_words import SEVERITY, AlarmName
from edged.core.door_words import DoorAlarm
from policy.locker_model import LockerAlarm

README = Path(__file__).parents[3] / "edged" / "alarms" / "README.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (\w+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def test_every_alarm_is_explained_with_its_severity_and_what_to_do() -> None:
    said = dict(ROW.findall(README.read_text()))
    assert said == {name.value: severity.value for name, severity in SEVERITY.items()}


def test_every_machines_alarm_has_its_name_and_severity() -> None:
    names = {name.value for name in AlarmName}
    assert SEVERITY.keys() == set(AlarmName)
    assert {alarm.value for machine in (DoorAlarm, LockerAlarm) for alarm in machine} <= names
