"""Options that name a day or a month."""

from datetime import date
from typing import Annotated

import typer

from edged import limits


def day(text: str) -> date:
    """Read a date such as 2026-01-31."""
    first, last = limits.YEARS
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a date such as 2026-01-31") from None
    if not first <= found.year <= last:
        raise typer.BadParameter(f"a year of {first} to {last}")
    return found


def _month(text: str) -> date:
    from edged.whatif.months import month

    try:
        return month(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


ThisMonth = Annotated[
    date | None,
    typer.Option("--month", parser=_month, metavar="YYYY-MM", help="Default: this month."),
]
ThatMonth = Annotated[
    date, typer.Option("--month", parser=_month, metavar="YYYY-MM", help="The month.")
]
