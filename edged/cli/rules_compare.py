"""`edged rules compare`."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.progress import track
from edged.cli.show import one_line, show
from edged.cli.when import day
from edged.whatif.limits import DAYS, DAYS_ASKED

if TYPE_CHECKING:
    from edged.whatif.ask import State
    from edged.whatif.compare import Asked

_COLOURS = {"gained": "green", "lost": "red", "counted": "yellow"}


def rules_compare(
    old: Annotated[str, typer.Argument(help="A rules file, or active: with what was used here.")],
    new: Annotated[Path, typer.Argument(help="A rules file.")],
    config: Config = DEFAULT_CONFIG,
    first: Annotated[
        date | None,
        typer.Option("--from", parser=day, metavar="DATE", help="Default: today at the store."),
    ] = None,
    days: Annotated[
        int, typer.Option(min=DAYS[0], max=DAYS[1], help="How many days.")
    ] = DAYS_ASKED,
    device: Annotated[
        str | None, typer.Option(help="An entrance, or a door. Default: every entrance.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whose access other rules would change, when, and why."""
    import asyncio

    from edged.clock import SystemClock
    from edged.whatif.ask import State
    from edged.whatif.compare import Asked

    side = State(settings(config), SystemClock()) if old == "active" else Path(old)
    asyncio.run(_compare(side, new, Asked(days, first, device), as_json=as_json))


async def _compare(old: "Path | State", new: Path, asked: "Asked", *, as_json: bool) -> None:
    from edged.clock import SystemClock
    from edged.whatif import ask, limits, plain

    shown: list[dict[str, Any]] = []
    count = 0
    async with ask.comparison(old, new, asked, SystemClock()) as comparison:
        names = track(comparison.names, beside_output=as_json)
        async for found in comparison.changes(names):
            count += 1
            if as_json:
                show(plain.changed(found), as_json=True)
            elif count <= limits.SHOWN:
                shown.append(plain.changed(found))
    for change in shown:
        typer.echo(_line(change))
    if count > limits.SHOWN and not as_json:
        typer.echo(f"... and {count - limits.SHOWN} more; --json gives all")
    show(plain.tally(comparison.tally), as_json=as_json)


def _line(change: dict[str, Any]) -> str:
    kind = typer.style(f"{change['access']:<7}", fg=_COLOURS[change["access"]])
    who = f"{one_line(change['member'])} at {one_line(change['device'])}"
    when = f"{change['from'][:16]} to {change['to'][:16]}"
    return f"{kind} {who}  {when}  {answer(change['before'])} -> {answer(change['after'])}"


def answer(said: dict[str, Any]) -> str:
    """Spell a decision in a few words."""
    by = [one_line(said[name]) for name in ("via", "band") if said[name] is not None]
    return " ".join([said["reason"] if said["decision"] == "DENY" else "in", *by])
