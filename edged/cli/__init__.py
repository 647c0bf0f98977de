"""The command line: a file a command, no logic, and every failure through `edged.exits`.

Importing this must stay cheap: commands import what they need when they run.
"""

import sys
from collections.abc import Sequence
from typing import Final

import typer

from edged.cli import (
    audit_export,
    audit_show,
    audit_verify,
    check_config,
    rules_check,
    rules_load,
    rules_show,
    run,
    status,
    watch,
    why,
)


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


app: Final = _group("Access control at the door: decides without a network, and proves it.")
app.command("run")(run.run)
app.command("check-config")(check_config.check_config)
app.command("status")(status.status)
app.command("watch")(watch.watch)
app.command("why")(why.why)

_rules: Final = _group("The rules: what the doors decide by.")
_rules.command("check")(rules_check.rules_check)
_rules.command("load")(rules_load.rules_load)
_rules.command("show")(rules_show.rules_show)
app.add_typer(_rules, name="rules")

_audit: Final = _group("The audit: what happened here.")
_audit.command("show")(audit_show.audit_show)
_audit.command("verify")(audit_verify.audit_verify)
_audit.command("export")(audit_export.audit_export)
app.add_typer(_audit, name="audit")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends the process with one of the codes of `edged.exits`."""
    try:
        app(arguments, prog_name="edged")
    except Exception as error:  # noqa: BLE001 - the last to hear of it
        sys.exit(_fail(error))


def _fail(error: Exception) -> int:
    """Say what went wrong, a line each, and return the exit code."""
    from edged.exits import Exit, explain

    code, lines = explain(error)
    if code is Exit.INTERNAL and "structlog" in sys.modules:
        import structlog

        if structlog.is_configured():
            structlog.get_logger().error("failed", exc_info=error)
    for line in lines:
        typer.echo(f"edged: {line}", err=True)
    return code
