"""Usage keys: what has been counted, for whom, on which date (spec/rules.md 2.6, 3.3).

There is no counter to increment. A count is the number of keys, so that re-entry, repeated
messages, other stores and corrections all come down to a set of keys.
"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import attrgetter

from policy.calendar import local_date
from policy.limits import DATES_AROUND
from policy.model import DedupeScope, Store, UsageKey

_STORE = attrgetter("store")


def usage_key(
    scope: DedupeScope, store: Store, owner: str, band: str, service_date: date
) -> UsageKey:
    """Return the key of one use. `owner` is the id of the contract."""
    return UsageKey(owner, band, service_date, store.id if scope is DedupeScope.STORE else None)


def in_scope(scope: DedupeScope, used: AbstractSet[UsageKey]) -> AbstractSet[UsageKey]:
    """Return the keys as `scope` sees them.

    Keys that were made a store each become one a day when the setting goes back to all
    stores; otherwise the month of the change would be counted too high.
    """
    if scope is DedupeScope.STORE or not any(map(_STORE, used)):
        return used
    return {replace(key, store=None) for key in used}


def count(used: AbstractSet[UsageKey], owner: str, band: str, day: date) -> int:
    """Return the uses of the band in the calendar month of the service date `day`."""
    year, month = day.year, day.month
    return sum(
        1
        for key in used
        if key.band == band
        and key.owner == owner
        and key.service_date.month == month
        and key.service_date.year == year
    )


def dates_looked_at(store: Store, at: datetime) -> tuple[date, date]:
    """Return the first and the last service date whose keys a decision at `at` may need.

    These are whole months, one or two of them: those that the service dates around the local
    date lie in (spec/rules.md 3.1-4).
    """
    today = local_date(store, at)
    first = (today - timedelta(days=DATES_AROUND)).replace(day=1)
    last = today + timedelta(days=DATES_AROUND)
    next_month = last.replace(day=1) + timedelta(days=31)
    return first, next_month.replace(day=1) - timedelta(days=1)
