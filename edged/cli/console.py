"""`edged console`: the web pages, their users, and their certificate."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from edged.cli.options import DEFAULT_CONFIG, Config, settings


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
    name: Annotated[str, typer.Argument(help="Letters, digits and . _ -")],
    role: Annotated[RoleName, typer.Option(help="What this user may do.")] = RoleName.LOOK,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Add a user of the pages, or change one; the password is asked for, or read from a pipe."""
    import re

    from edged.console import users
    from edged.settings import Console

    if not re.fullmatch(users.NAME_PATTERN, name):
        raise typer.BadParameter("letters, digits and . _ - only, at most 32", param_hint="NAME")
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
    """Show the fingerprint of the pages' certificate, for the label of the device."""
    from edged.console.serve import fingerprint
    from edged.settings import Console

    found = settings(config)
    folder = (found.console or Console()).folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    typer.echo(fingerprint(folder, found.device))
