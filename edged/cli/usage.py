"""`edged usage`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import one_line, show
from edged.cli.when import ThisMonth

if TYPE_CHECKING:
    from edged.whatif.usage import Line


def usage(
    member: Annotated[str, typer.Argument(help="A member's id, or handle in hex.")],
    config: Config = DEFAULT_CONFIG,
    month: ThisMonth = None,
    as_json: AsJson = False,
) -> None:
    """Say what a member has used in a month, and which events hold each use."""
    import asyncio

    from edged.clock import SystemClock
    from edged.whatif import ask, plain

    device = settings(config)
    used = asyncio.run(ask.used(ask.State(device, SystemClock()), member, month))
    if as_json:
        for line in used.lines:
            show(plain.line(used, line), as_json=True)
        return
    others = f"; other devices' use as of {one_line(used.others_as_of)}" if device.cloud else ""
    typer.echo(f"{one_line(used.member)} in {used.month:%Y-%m}{others}")
    for line in used.lines:
        for text in _lines(line):
            typer.echo(text)


def _lines(line: "Line") -> Iterator[str]:
    limit = "" if line.limit is None else f" of {line.limit}"
    left = "" if line.left is None else f", {max(0, line.left)} left"
    owner = line.owner if line.plan is None else f"{line.owner} ({line.plan})"
    yield f"  {one_line(owner)} {one_line(line.band)}: {line.count}{limit} used{left}"
    for held in line.days:
        store = "" if held.key.store is None else f" at {one_line(held.key.store)}"
        events = one_line(held.events) if held.events else typer.style("not counted", fg="yellow")
        gone = f"; withdrawn: {one_line(held.withdrawn)}" if held.withdrawn else ""
        yield f"    {held.key.service_date}{store}  {events}{gone}"
