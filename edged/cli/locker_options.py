"""What the commands about lockers share: their options, and giving an order."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from edged.cli.options import settings
from edged.cli.show import show

Locker = Annotated[str, typer.Argument(help="A locker's id.")]
Staff = Annotated[str, typer.Option(help="Who of the staff does it, for the audit.")]
Use = Annotated[str, typer.Option("--occupancy", help="The use of the locker that is meant.")]
AnyUse = Annotated[
    str | None,
    typer.Option(
        "--occupancy", help="The use of the locker that is meant; left out: there is none."
    ),
]
Command = Annotated[
    str | None,
    typer.Option("--command", help="The id of a command that is given again. Default: a new one."),
]
End = Annotated[
    str,
    typer.Option(
        metavar="TIME",
        help="ISO 8601, in the store's own time without a zone; a date: midnight at its end.",
    ),
]
PinFile = Annotated[
    Path | None,
    typer.Option(allow_dash=True, help="A file that holds the PIN; - is standard input."),
]
LONGEST_PIN: Final = 64


def pin(file: Path | None) -> str | None:
    """Read a PIN, which is in no argument: everybody on the machine can see those."""
    if file is None:
        return None
    standard_input = str(file) == "-"
    with open(sys.stdin.fileno() if standard_input else file, closefd=not standard_input) as opened:
        return opened.read(LONGEST_PIN).strip()


def every(config: Path) -> Iterator[Mapping[str, object]]:
    """Yield what the daemon says of each locker, by id; the list comes in pages."""
    from edged.control.client import ask
    from edged.control.wire import Verb

    socket, after, more = settings(config).control_socket, "", True
    while more:
        page = ask(socket, Verb.LOCKERS, after=after)
        found, more = page["lockers"], bool(page["more"])
        for locker in found if isinstance(found, list) else ():
            after = locker["locker"]
            yield locker


def give(config: Path, do: str, command: str | None, *, as_json: bool, **order: object) -> None:
    """Give an order and show what came of it; a refusal ends with `Exit.LOCKER_REFUSED`."""
    import uuid

    from edged.control.client import ask
    from edged.control.wire import Verb
    from edged.exits import Exit

    whole = {"do": do, "command": command or str(uuid.uuid4()), **order}
    done = ask(settings(config).control_socket, Verb.LOCKER, order=whole)
    show(done, as_json=as_json)
    if done["result"] != "OK" or done["released"] is False:
        raise typer.Exit(Exit.LOCKER_REFUSED)
