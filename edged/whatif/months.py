"""Months as people type them, and the service dates that are counted in them."""

import re
from datetime import date, timedelta

from edged import limits
from policy.model import RuleSettings


def month(text: str) -> date:
    """Read a month, `2026-11`, as its first day.

    Raises:
        ValueError: It is spelled otherwise, or of a year that can't be asked about.
    """
    first, last = limits.YEARS
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text, re.ASCII)
    if found is None:
        raise ValueError("write a month as 2026-11")
    year, number = map(int, found.groups())
    if not first <= year <= last:
        raise ValueError(f"a month of the years {first} to {last}")
    return date(year, number, 1)


def after(first: date) -> date:
    """Return the first day of the next month."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def counted(settings: RuleSettings, first: date) -> tuple[date, date]:
    """Return the first and last service date that count in a month (spec/rules.md 6, row 15).

    It begins on `month_anchor_day` of the month whose first day is `first`.
    """
    start = first.replace(day=settings.month_anchor_day)
    return start, after(first).replace(day=settings.month_anchor_day) - timedelta(days=1)


def containing(settings: RuleSettings, day: date) -> date:
    """Return the first day of the calendar month in which the counted month of `day` begins."""
    first = day.replace(day=1)
    return (
        first
        if day.day >= settings.month_anchor_day
        else (first - timedelta(days=1)).replace(day=1)
    )
