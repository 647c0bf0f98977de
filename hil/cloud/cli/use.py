"""`usage`: what was used up over all stores; manual records; `report`: who is over a limit."""

from datetime import date
from typing import Annotated

import typer

from hil.cloud import rulesets, usage
from hil.cloud.cli.common import HERE, AsJson, FolderPath, Refused, opened, table, tell

app = typer.Typer(no_args_is_help=True, help=__doc__)
reports = typer.Typer(no_args_is_help=True, help="Reports.")

Month = Annotated[str, typer.Option(help="YYYY-MM, of service dates.")]


@app.command()
def show(month: Month, *, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """Show a month's counts by contract or ticket and band."""
    with opened(path, reading=True) as (_, db):
        found = usage.counts(db, _month(month))
    rows = [{"owner": owner, "band": band, "count": n} for (owner, band), n in found.items()]
    table(sorted(rows, key=str), ("owner", "band", "count"), as_json=as_json)


@app.command()
def add(
    owner: Annotated[str, typer.Argument(help="The contract or ticket.")],
    band: Annotated[str, typer.Argument(help="The band.")],
    day: Annotated[str, typer.Argument(help="The service date, YYYY-MM-DD.")],
    *,
    store: Annotated[str, typer.Option(help="Where stores are counted apart.")] = "",
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Note an entry that no door saw (spec/rules.md 3.9)."""
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise ValueError(f"day: {day!r} is no date") from error
    with opened(path) as (_, db):
        event = usage.add_by_hand(db, owner, day, band, store)
    tell({"event": event}, f"{event}: noted", as_json=as_json)


@app.command()
def withdraw(
    event: Annotated[str, typer.Argument(help="The entry's event.")],
    *,
    path: FolderPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Take an entry back; the day still counts if another entry holds it."""
    with opened(path) as (_, db):
        if not usage.withdraw(db, event):
            raise Refused(f"{event}: no entry has it")
    tell({"event": event}, f"{event}: withdrawn", as_json=as_json)


@reports.command("over-limit")
def over_limit(month: Month, *, path: FolderPath = HERE, as_json: AsJson = False) -> None:
    """List the contracts that were used more than their plan allows (spec/rules.md 3.8)."""
    wanted = _month(month)
    with opened(path, reading=True) as (_, db):
        document, _vectors = rulesets.content(db, rulesets.everybodys(db))
        rows = usage.over_limit(usage.counts(db, wanted), document)
    columns = ("member", "contract", "band", "count", "limit", "excess")
    table(rows, columns, as_json=as_json)


def _month(text: str) -> str:
    try:
        date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ValueError(f"month: {text!r} is not YYYY-MM") from error
    return text
