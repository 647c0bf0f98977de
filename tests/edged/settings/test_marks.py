import tomllib

from pydantic import SecretStr

from edged.settings.marks import changed, fingerprint, marks
from edged.settings.model import Settings
from tests.edged.settings_files import GOOD

SETTINGS = Settings.model_validate(tomllib.loads(GOOD))


def test_each_setting_has_a_mark_also_one_that_is_not_said() -> None:
    found = marks(SETTINGS)
    assert {"device", "language", "fire", "doors.front.lock.kind"} <= found.keys()
    assert all(len(mark) == 16 for mark in found.values())


def test_what_changed_is_named_wherever_it_is() -> None:
    said = GOOD.replace("S1-FRONT", "S9-OTHER").replace("[doors.front", "[doors.side")
    now = marks(Settings.model_validate(tomllib.loads(said)))
    found = changed(marks(SETTINGS), now)
    assert "device" in found
    assert {"doors.front.lock.kind", "doors.side.lock.kind"} <= set(found)
    assert "language" not in found
    assert fingerprint(now) != fingerprint(marks(SETTINGS))


def test_the_same_settings_have_the_same_marks() -> None:
    again = Settings.model_validate(tomllib.loads(GOOD))
    assert changed(marks(SETTINGS), marks(again)) == []
    assert fingerprint(marks(SETTINGS)) == fingerprint(marks(again))


def test_of_settings_that_nobody_kept_none_has_changed() -> None:
    assert changed(None, marks(SETTINGS)) == []


def test_no_secret_has_a_mark() -> None:
    others = SETTINGS.model_copy(update={"store_pepper": SecretStr("another")})
    assert marks(others) == marks(SETTINGS)
    assert not any("pepper" in name for name in marks(others))
