"""What the commands to the doors share: their options, and giving an order."""

from pathlib import Path
from typing import Annotated

import typer

from edged.cli.options import settings
from edged.cli.show import show

By = Annotated[str | None, typer.Option(help="Who asks, for the audit. Default: this user.")]
Command = Annotated[
    str | None,
    typer.Option("--command", help="The id of a command that is given again. Default: a new one."),
]


def give(
    config: Path, do: str, by: str | None, command: str | None, *, as_json: bool, **order: object
) -> None:
    """Give an order and show what came of it; a refusal ends with `Exit.DOOR_REFUSED`."""
    import getpass
    import uuid

    from edged.control.client import ask
    from edged.control.wire import Verb
    from edged.exits import Exit

    who = by or getpass.getuser()
    whole = {"do": do, "command": command or str(uuid.uuid4()), "by": who, **order}
    done = ask(settings(config).control_socket, Verb.DOOR, order=whole)
    show(done, as_json=as_json)
    if done["result"] != "OK":
        raise typer.Exit(Exit.DOOR_REFUSED)
