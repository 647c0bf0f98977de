"""Public facilities: what may be asked for, and when a request opens a door (spec/rules.md 4.4).

Only an approved request is a right. Instants are aware UTC datetimes; dates and hours are those
of the request's start at the facility.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from policy.model import Hours

_SATURDAY = 5
_MINUTE = timedelta(minutes=1)


class RequestState(StrEnum):
    """States of a request."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class Answer(StrEnum):
    """What a request or a button of the manager gets."""

    OK = "OK"
    REQUESTED = "REQUESTED"
    NOT_ALLOWED = "NOT_ALLOWED"
    SPACE_NOT_BOOKABLE = "SPACE_NOT_BOOKABLE"
    BAD_RANGE = "BAD_RANGE"
    OUTSIDE_PERIOD = "OUTSIDE_PERIOD"
    DATE_EXCLUDED = "DATE_EXCLUDED"
    WEEKEND_EXCLUDED = "WEEKEND_EXCLUDED"
    WEEKDAY_EXCLUDED = "WEEKDAY_EXCLUDED"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    TOO_LONG = "TOO_LONG"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True)
class Space:
    """What can be asked for, and when.

    `period`: first and last date, None = all. `no_weekdays`: 0 = Monday. `max_minutes` None =
    no limit. What people read about it (fee, address, capacity) is the cloud's.
    """

    id: str
    tz: tzinfo
    hours: Hours
    bookable: bool = True
    period: tuple[date, date] | None = None
    no_weekend: bool = False
    no_weekdays: frozenset[int] = frozenset()
    no_dates: frozenset[date] = frozenset()
    max_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request for a space, `[start, end)`."""

    id: str
    space: str
    start: datetime
    end: datetime
    state: RequestState = RequestState.REQUESTED


def check(space: Space, start: datetime, end: datetime, approved: Iterable[Request]) -> Answer:
    """Say REQUESTED, or the first thing that is wrong with asking for `[start, end)`.

    `approved`: of these only the APPROVED ones of this space are in the way.
    """
    if not space.bookable:
        return Answer.SPACE_NOT_BOOKABLE
    if end <= start:
        return Answer.BAD_RANGE
    refusal = _date_refusal(space, start.astimezone(space.tz).date())
    if refusal is not None:
        return refusal
    if not _within_hours(space, start, end):
        return Answer.OUTSIDE_HOURS
    if space.max_minutes is not None and end - start > space.max_minutes * _MINUTE:
        return Answer.TOO_LONG
    return Answer.CONFLICT if _in_the_way(approved, space.id, start, end) else Answer.REQUESTED


def approve(request: Request, others: Iterable[Request]) -> tuple[Request, Answer]:
    """Approve what is REQUESTED, unless an approved one of the same space overlaps."""
    if request.state is not RequestState.REQUESTED:
        return request, Answer.NOT_ALLOWED
    if _in_the_way(others, request.space, request.start, request.end):
        return request, Answer.CONFLICT
    return replace(request, state=RequestState.APPROVED), Answer.OK


def reject(request: Request) -> tuple[Request, Answer]:
    """Reject what is REQUESTED."""
    if request.state is not RequestState.REQUESTED:
        return request, Answer.NOT_ALLOWED
    return replace(request, state=RequestState.REJECTED), Answer.OK


def reset(request: Request) -> tuple[Request, Answer]:
    """Bring a request back to REQUESTED, from any state; a door right ends at once."""
    return replace(request, state=RequestState.REQUESTED), Answer.OK


def has_door_right(request: Request) -> bool:
    """Tell whether the request opens a door in its window."""
    return request.state is RequestState.APPROVED


def opens(request: Request, at: datetime, early_min: int) -> bool:
    """Tell whether the request opens the door at `at`, in `[start - early_min, end)`."""
    reach = at + timedelta(minutes=early_min)
    return has_door_right(request) and request.start <= reach and at < request.end


def _date_refusal(space: Space, day: date) -> Answer | None:
    if space.period is not None and not space.period[0] <= day <= space.period[1]:
        return Answer.OUTSIDE_PERIOD
    if day in space.no_dates:
        return Answer.DATE_EXCLUDED
    if space.no_weekend and day.weekday() >= _SATURDAY:
        return Answer.WEEKEND_EXCLUDED
    return Answer.WEEKDAY_EXCLUDED if day.weekday() in space.no_weekdays else None


def _within_hours(space: Space, start: datetime, end: datetime) -> bool:
    """Compare wall times: the hours are those on the start's date, and may pass midnight."""
    here = start.astimezone(space.tz).replace(tzinfo=None)
    gone = end.astimezone(space.tz).replace(tzinfo=None)
    midnight = datetime.combine(here.date(), time())
    opening = midnight + space.hours.start_min * _MINUTE
    closing = midnight + space.hours.end_min * _MINUTE
    return opening <= here and gone <= closing


def _in_the_way(requests: Iterable[Request], space: str, start: datetime, end: datetime) -> bool:
    granted = (r for r in requests if r.space == space and has_door_right(r))
    return any(r.start < end and start < r.end for r in granted)
