"""`edged doctor`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config
from edged.cli.show import one_line, show

if TYPE_CHECKING:
    from edged.commission.findings import Finding


def doctor(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Look at everything that can be looked at unattended, and say what to do about it."""
    from edged.commission.doctor import examine

    tell(examine(config), as_json=as_json)


def tell(findings: "Iterator[Finding]", *, as_json: bool) -> None:
    """Show what is found as it is found; the exit code says whether a check failed."""
    from dataclasses import asdict

    from edged.commission.findings import Grade, worst
    from edged.exits import Exit

    colours = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "red"}
    found = []
    for one in findings:
        found.append(one)
        if as_json:
            show(asdict(one), as_json=True)
            continue
        grade = typer.style(f"{one.grade.value:<4}", fg=colours[one.grade])
        typer.echo(f"{grade}  {one.check:<13}  {one_line(one.said)}")
        if one.todo:
            typer.echo(f"{'':<21}-> {one_line(one.todo)}")
    if worst(found) is Grade.FAIL:
        raise typer.Exit(Exit.NOT_PASSED)
