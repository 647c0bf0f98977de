"""`edged commission`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, settings
from edged.cli.show import show

if TYPE_CHECKING:
    from edged.commission.acceptance import Acceptance


def commission(
    context: typer.Context,
    config: Config = DEFAULT_CONFIG,
    answers: Annotated[
        Path | None,
        typer.Option(help="A machine's answers, a line of JSON each; - is standard input."),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Not on from where the last walk was broken off.")
    ] = False,
    step: Annotated[
        list[str] | None,
        typer.Option(help="Take this step only, once more: its key, such as lock/front."),
    ] = None,
    pages: Annotated[
        str | None, typer.Option(metavar="BY", help="Ask on the console's pages, in this name.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The report's folder. Default: in the state directory.")
    ] = None,
) -> None:
    """Walk from lock to lock with an installer, and sign what was seen."""
    if context.invoked_subcommand is not None:
        return
    from edged.commission.asking import BadAnswer, Machine, Terminal
    from edged.commission.keeping import report_folder
    from edged.commission.paged import Abandoned, go_paged
    from edged.commission.walk import Way, go
    from edged.exits import Exit

    found, way = settings(config), Way(frozenset(step or ()), anew=anew, out=out)
    try:
        if pages is not None:
            report = go_paged(config, found, pages, way)
        elif answers is None:
            report = go(config, found, Terminal(), way)
        elif str(answers) == "-":
            report = go(config, found, Machine(sys.stdin, sys.stdout), way)
        else:
            with answers.open() as lines:
                report = go(config, found, Machine(lines, sys.stdout), way)
    except BadAnswer as error:
        raise typer.BadParameter(str(error)) from None
    except Abandoned as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.NOT_PASSED) from None
    folder = out or report_folder(found.state_dir)
    show({**_told(report), "report": str(folder)}, as_json=answers is not None)
    if not report.accepted:
        raise typer.Exit(Exit.NOT_PASSED)


def verify(
    file: Annotated[Path, typer.Argument(help="The signed report, acceptance.json.")],
    key: Annotated[
        str | None,
        typer.Option(help="The device's public key, 64 hex digits. Default: this device's."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Say what a report says, if the device has signed it just so."""
    from cloud_link.limits import ENVELOPE_BYTES
    from edged.commission.acceptance import verify as verified
    from edged.commission.walk import public_key
    from edged.exits import Exit

    public = public_key(key, None if key else settings(config).state_dir)
    with file.open("rb") as opened:
        report = verified(opened.read(ENVELOPE_BYTES + 1), public)
    show({**_told(report), "steps": [one.model_dump() for one in report.steps]}, as_json=as_json)
    if not report.accepted:
        raise typer.Exit(Exit.NOT_PASSED)


def _told(report: "Acceptance") -> dict[str, object]:
    from edged.commission.words import Verdict

    return {
        "device": report.device,
        "accepted": report.accepted,
        "simulated": report.simulated,
        "by": report.by,
        "ended": report.ended,
        **{verdict.value: report.count(verdict) for verdict in Verdict},
        "not_done": report.missing,
    }
