"""`python -m hil.cloud`: the reference cloud at the command line (README.md)."""

import sys

import typer
from sqlalchemy.exc import SQLAlchemyError

from hil.cloud.cli import audit, authority, devices, keyring, orders, rules, setup, use
from hil.cloud.cli.common import Refused
from hil.cloud.folder import FolderFault
from hil.cloud.keys import KeyFault
from hil.cloud.rulefiles import RulesFault
from hil.cloud.trusts import NoTrust

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command()(setup.init)
app.command("pki")(setup.certify)
app.command()(setup.serve)
app.command()(orders.command)
app.add_typer(devices.app, name="device")
app.add_typer(rules.app, name="rules")
app.add_typer(use.app, name="usage")
app.add_typer(use.reports, name="report")
app.add_typer(audit.app, name="audit")
app.add_typer(keyring.app, name="keys")
app.add_typer(authority.app, name="authority")


def main() -> int:
    """Run one command: 1 if it did not come about, 2 if it was asked for what can't be."""
    try:
        app(prog_name="python -m hil.cloud")
    except Refused as error:
        typer.echo(error, err=True)
        return 1
    except (
        FolderFault,
        KeyFault,
        NoTrust,
        OSError,
        RulesFault,
        SQLAlchemyError,
        ValueError,
    ) as error:
        typer.echo(error, err=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
