"""`edged console`: the web pages, their users, and their certificate."""

import socket
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, Config, settings

if TYPE_CHECKING:
    from edged.settings.model import Settings


class RoleName(StrEnum):
    """The roles, as they are typed."""

    LOOK = "look"
    OPERATE = "operate"
    INSTALL = "install"


def console_run(config: Config = DEFAULT_CONFIG) -> None:
    """Serve the pages for staff, installers and the door's display, until SIGTERM."""
    from edged import log
    from edged.console.serve import serve

    found = settings(config)
    log.configure()
    serve(found)


def console_user(
    name: Annotated[str, typer.Argument(help="Letters, digits, _ and -")],
    role: Annotated[RoleName, typer.Option(help="What this user may do.")] = RoleName.LOOK,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Add a user of the pages, or change one; the password is asked for, or read from a pipe."""
    from edged.console import users
    from edged.settings.model import Console

    folder = (settings(config).console or Console()).folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    try:
        users.put(folder, name, users.Role[role.name], password)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{name} may {role.value}")


def console_fingerprint(config: Config = DEFAULT_CONFIG) -> None:
    """Show the fingerprint of the pages' certificate."""
    typer.echo(_fingerprint(settings(config)))


def console_label(
    file: Annotated[Path, typer.Argument(help="Where the picture goes: FILE.svg, 62 x 29 mm.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Draw the label of the device: the pages' address as a QR code, and their fingerprint."""
    from edged.console import label

    found = settings(config)
    file.write_text(label.draw(found, _fingerprint(found)))
    name = label.host_name(found.device)
    if socket.gethostname() != name.removesuffix(".local"):
        typer.echo(f"Nobody answers to {name} yet: hostnamectl set-hostname {name[:-6]}", err=True)
    typer.echo(str(file))


def _fingerprint(found: "Settings") -> str:
    from edged.console.serve import fingerprint
    from edged.settings.model import Console

    folder = (found.console or Console()).folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return fingerprint(folder, found.device)
