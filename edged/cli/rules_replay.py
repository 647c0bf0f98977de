"""`edged rules replay`."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, journal
from edged.cli.rules_compare import answer
from edged.cli.show import one_line, show
from edged.cli.when import day


def rules_replay(
    new: Annotated[Path, typer.Argument(help="A rules file.")],
    since: Annotated[
        date, typer.Option(parser=day, metavar="DATE", help="The first date at the store.")
    ],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say which recorded entries would come out otherwise under other rules."""
    from edged.rulebook.load import read
    from edged.whatif import limits, plain
    from edged.whatif.replay import Replay

    replay = Replay(read(new), journal(config), since)
    count = 0
    for found in replay.differences():
        count += 1
        if as_json:
            show(plain.difference(found), as_json=True)
        elif count <= limits.SHOWN:
            typer.echo(_line(plain.difference(found)))
    if count > limits.SHOWN and not as_json:
        typer.echo(f"... and {count - limits.SHOWN} more; --json gives all")
    said = {"asked": replay.asked, "otherwise": count, "left_out": replay.left_out}
    show(said, as_json=as_json)


def _line(found: dict[str, Any]) -> str:
    who = f"{one_line(found['member'])} at {one_line(found['device'])}"
    change = f"{answer(found['before'])} -> {answer(found['after'])}"
    return f"{found['seq']:>6} {one_line(found['at'])} {who}  {change}"
