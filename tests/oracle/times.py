"""Instants, local dates and band occurrences, by walking real minutes (spec/rules.md 3.1).

Dates are ISO texts, which compare as dates do. Instants are aware UTC datetimes.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

Data = dict[str, Any]
Span = tuple[datetime, datetime]

MINUTE = timedelta(minutes=1)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


@lru_cache(maxsize=1_000)
def zone(tz: str) -> ZoneInfo:
    return ZoneInfo(tz)


def spelled(at: datetime, tz: str) -> str:
    return at.astimezone(zone(tz)).isoformat()


def local_date(at: datetime, tz: str) -> str:
    return at.astimezone(zone(tz)).date().isoformat()


@lru_cache(maxsize=100_000)
def shifted(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


@lru_cache(maxsize=100_000)
def around(day: str) -> tuple[str, ...]:
    return tuple(shifted(day, days) for days in (-2, -1, 0, 1, 2))


@lru_cache(maxsize=100_000)
def weekday(day: str) -> int:
    return date.fromisoformat(day).weekday()


@lru_cache(maxsize=100_000)
def month_of(day: str, anchor: int) -> str:
    """The counting month, named for the month that it begins in; `anchor` 1..28."""
    when = date.fromisoformat(day)
    if when.day >= anchor:
        return f"{when:%Y-%m}"
    return f"{when.replace(day=1) - timedelta(days=1):%Y-%m}"


@lru_cache(maxsize=100_000)
def _stretches(tz: str, utc_day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """Ask every minute of a UTC day for its offset: (first minute, last minute, offset)."""
    where = zone(tz)
    found: list[tuple[datetime, datetime, timedelta]] = []
    now = datetime(utc_day.year, utc_day.month, utc_day.day, tzinfo=UTC)
    for _ in range(24 * 60):
        offset = now.astimezone(where).utcoffset() or timedelta()
        if found and found[-1][2] == offset:
            found[-1] = (found[-1][0], now, offset)
        else:
            found.append((now, now, offset))
        now += MINUTE
    return tuple(found)


@lru_cache(maxsize=200_000)
def wall(tz: str, day: str, minute: int) -> Span:
    """The first and the last real instant at which the wall shows this minute of this day.

    Where the wall never shows it, both are the instant at which the clocks jump over it.
    """
    shown = datetime.fromisoformat(day).replace(tzinfo=UTC) + minutes(minute)
    stretches = [
        stretch
        for days in (-1, 0, 1)
        for stretch in _stretches(tz, shown.date() + timedelta(days=days))
    ]
    copies = [
        shown - offset for first, last, offset in stretches if first <= shown - offset <= last
    ]
    if copies:
        return copies[0], copies[-1]
    jump = next(first for first, _, offset in stretches if first + offset > shown)
    return jump, jump


def occurrence(store: Data, kind: str, day: str) -> Span | None:
    """When the band of this service date opens and closes; None without hours here."""
    hours = store["bands"].get(kind)
    if hours is None:
        return None
    tz = store["tz"]
    return wall(tz, day, hours[0])[0], wall(tz, day, hours[1])[1]
