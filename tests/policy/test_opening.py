"""When a door stands open for everybody (spec/hardware.md 9.3), in the store's own time."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from policy.model import BandGrant, DayRule, Door, HolidayRule, Hours, Store
from policy.opening import stands_open

TOKYO = ZoneInfo("Asia/Tokyo")
STORE = Store(
    "S1",
    TOKYO,
    {"DAY": Hours(600, 1_020), "LATE": Hours(1_320, 1_560)},
    holidays=frozenset({date(2026, 11, 3)}),
    closed=frozenset({date(2026, 11, 5)}),
)
WEEKDAYS = DayRule(frozenset(range(5)), HolidayRule.NONE)
DOOR = Door("front", "S1", open_bands=(BandGrant("DAY", days=WEEKDAYS), BandGrant("LATE")))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "open_"),
    [
        ("2026-11-04T09:59:59", False),
        ("2026-11-04T10:00:00", True),
        ("2026-11-04T16:59:59", True),
        ("2026-11-04T17:00:00", False),
        ("2026-11-03T12:00:00", False),  # a holiday
        ("2026-11-07T12:00:00", False),  # a Saturday
        ("2026-11-05T12:00:00", False),  # closed
        ("2026-11-05T01:00:00", True),  # still the evening before
        ("2026-11-06T01:00:00", False),  # the evening of a closed day
    ],
)
def test_the_hours_are_the_stores(when: str, open_: bool) -> None:
    assert stands_open(STORE, DOOR, at(when)) is open_


def test_a_door_without_bands_or_hours_never_does() -> None:
    noon = at("2026-11-04T12:00:00")
    assert not stands_open(STORE, Door("front", "S1"), noon)
    assert not stands_open(STORE, Door("front", "S1", open_bands=(BandGrant("NIGHT"),)), noon)
