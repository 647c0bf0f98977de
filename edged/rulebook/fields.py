"""The fields of the rules file: how an id, a date, band hours or a key is spelled."""

import base64
import re
from datetime import UTC, date, datetime
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edged.store import limits
from policy.model import Hours

ID_PATTERN: Final = "^[A-Za-z0-9_-]{1,64}$"
_HOURS: Final = re.compile(r"([0-9]{1,2}):([0-5][0-9])-([0-9]{1,2}):([0-5][0-9])")
_DAY_MIN: Final = 24 * 60
_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)


def hours(text: str) -> Hours:
    """Read band hours: `10:00-17:00`, and over midnight `22:00-02:00` or `22:00-26:00`.

    Raises:
        ValueError: It is spelled otherwise, starts at 24:00 or later, or is empty: `0:00-0:00`
            could be all day or nothing (spec/rules.md 2.1).
    """
    spelled = _HOURS.fullmatch(text)
    if spelled is None:
        raise ValueError("write hours as 10:00-17:00")
    from_h, from_min, to_h, to_min = map(int, spelled.groups())
    start, end = from_h * 60 + from_min, to_h * 60 + to_min
    if start >= _DAY_MIN:
        raise ValueError("hours start before 24:00")
    if start == end:
        raise ValueError("hours that end where they start are unclear; all day is 0:00-24:00")
    if end < start:
        end += _DAY_MIN
    if end > start + _DAY_MIN:
        raise ValueError("hours last at most a day")
    return Hours(start, end)


def check_hours(text: str) -> str:
    """Refuse what `hours` can't read."""
    hours(text)
    return text


def check_zone(name: str) -> str:
    """Refuse what is no IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone such as Asia/Tokyo") from None
    return name


def _check_instant(text: str) -> str:
    instant(text)
    return text


def instant(text: str) -> datetime:
    """Read an instant with its offset, of a year that rules may have."""
    at = datetime.fromisoformat(text)
    if not _FIRST.year <= at.year <= _LAST.year:
        raise ValueError(f"the year is not in {_FIRST.year}..{_LAST.year}")
    return at.astimezone(UTC)


def public_hex(text: str) -> str:
    """Read 32 bytes from hex or base64url, in their one spelling."""
    if len(text) == 64:  # noqa: PLR2004 - two hex digits a byte
        return text.lower()
    raw = base64.urlsafe_b64decode(text + "=")
    if base64.urlsafe_b64encode(raw).decode() != text + "=":
        raise ValueError("not the base64url of 32 bytes")
    return raw.hex()


def ticked(weekdays: str) -> frozenset[int]:
    """Read ticked weekdays, `1111100`, Monday first."""
    return frozenset(day for day, tick in enumerate(weekdays) if tick == "1")


Id: TypeAlias = Annotated[str, Field(pattern=ID_PATTERN)]
Kid: TypeAlias = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,2})$")]
Handle: TypeAlias = Annotated[str, Field(pattern="^[0-9A-Fa-f]{16}$")]
Hash: TypeAlias = Annotated[str, Field(pattern="^[0-9A-Fa-f]{64}$")]
Text: TypeAlias = Annotated[
    str, Field(max_length=limits.TEXT_CHARS, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Kind: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=limits.TEXT_CHARS, pattern=r"^[^\x00-\x1f\x7f/]+$")
]
"""A band kind is free text (spec/rules.md 2.1); a slash would make the spelling of keys unclear."""
Number: TypeAlias = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
Day: TypeAlias = Annotated[date, Field(ge=_FIRST, le=_LAST)]
Instant: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"
        r"(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
    AfterValidator(_check_instant),
]
Some = Field(max_length=limits.ENTRIES)


class Shape(BaseModel):
    """A strict, frozen record without unknown fields."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )
