"""`edged why`."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from edged import limits
from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import facts, one_line, show

if TYPE_CHECKING:
    from edged.whatif.why import Answer


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("ISO 8601, such as 2026-01-31T18:00") from None
    first, last = limits.YEARS
    if not first <= at.year <= last:
        raise typer.BadParameter(f"a year of {first} to {last}")
    return at


def why(
    who: Annotated[
        str,
        typer.Argument(help="The id, or handle in hex, of a member or of somebody of the staff."),
    ],
    config: Config = DEFAULT_CONFIG,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=_instant,
            metavar="TIME",
            help="ISO 8601; without a zone in the store's own time. Default: now.",
        ),
    ] = None,
    door: Annotated[
        str | None, typer.Option(help="A device, or a door. Default: every device.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a member, or staff, would get in, with every check and what it looked at."""
    import asyncio

    from edged.clock import SystemClock
    from edged.whatif import why as asking

    when = at or SystemClock().now().at
    state_dir = settings(config).state_dir
    for answer in asyncio.run(asking.why(state_dir, who, when, door)):
        if as_json:
            show(asking.plain(answer), as_json=True)
        else:
            for line in _lines(answer):
                typer.echo(line)


def _lines(answer: "Answer") -> Iterator[str]:
    """Spell an answer and its checks, in their order."""
    decision = answer.decision
    said = {
        "via": decision.via,
        "band": decision.band,
        "would_count": [str(key) for key in decision.new_keys],
        "warnings": [warning.value for warning in decision.warnings],
    }
    verdict = typer.style(decision.verdict, fg="green" if decision.verdict == "ALLOW" else "red")
    yield f"{one_line(answer.device.id)} at {answer.at.isoformat()}: {verdict} {decision.reason}"
    if rest := facts(said):
        yield f"  {rest}"
    for check in decision.trace:
        held = "yes" if check.passed else "NO"
        yield f"  {held:<4}{check.name:<20} {facts(check.facts)}".rstrip()
