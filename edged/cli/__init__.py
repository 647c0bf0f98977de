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
    calendar,
    check_config,
    clock,
    commission,
    console,
    decommission,
    doctor,
    door_lockdown,
    door_open,
    fire_reset,
    identity,
    install,
    ledger,
    link,
    lockers_assign,
    lockers_confirm_empty,
    lockers_extend,
    lockers_force_end,
    lockers_list,
    lockers_move,
    lockers_open,
    lockers_release_all,
    lockers_return,
    lockers_scan,
    lockers_set_aside,
    network,
    passback_clear,
    provision,
    readers_detect,
    report,
    rules_check,
    rules_compare,
    rules_load,
    rules_replay,
    rules_show,
    run,
    selftest,
    status,
    trust_pin,
    trust_show,
    usage,
    watch,
    why,
    wiring,
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
app.command("install")(install.install)
app.command("provision")(provision.provision)
app.command("network")(network.network)
app.command("identity")(identity.identity)
app.command("decommission")(decommission.decommission)
app.command("status")(status.status)
app.command("link")(link.link)
app.command("doctor")(doctor.doctor)
app.command("selftest")(selftest.selftest)
app.command("wiring")(wiring.wiring)
app.command("watch")(watch.watch)
app.command("clock")(clock.clock)
app.command("why")(why.why)
app.command("calendar")(calendar.calendar)
app.command("usage")(usage.usage)
app.command("ledger")(ledger.ledger)

_commission: Final = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
_commission.callback()(commission.commission)
_commission.command("verify")(commission.verify)
app.add_typer(_commission, name="commission")

_console: Final = _group("The web pages for staff, installers and the door's display.")
_console.command("run")(console.console_run)
_console.command("user")(console.console_user)
_console.command("fingerprint")(console.console_fingerprint)
_console.command("label")(console.console_label)
app.add_typer(_console, name="console")

_lockers: Final = _group("The lockers: whose they are, and what staff do with them.")
_lockers.command("list")(lockers_list.lockers_list)
_lockers.command("assign")(lockers_assign.lockers_assign)
_lockers.command("extend")(lockers_extend.lockers_extend)
_lockers.command("move")(lockers_move.lockers_move)
_lockers.command("open")(lockers_open.lockers_open)
_lockers.command("return")(lockers_return.lockers_return)
_lockers.command("force-end")(lockers_force_end.lockers_force_end)
_lockers.command("confirm-empty")(lockers_confirm_empty.lockers_confirm_empty)
_lockers.command("set-aside")(lockers_set_aside.lockers_set_aside)
_lockers.command("release-all")(lockers_release_all.lockers_release_all)
_lockers.command("scan")(lockers_scan.lockers_scan)
app.add_typer(_lockers, name="lockers")

_door: Final = _group("The doors: letting somebody in, or nobody.")
_door.command("open")(door_open.door_open)
_door.command("lockdown")(door_lockdown.door_lockdown)
app.add_typer(_door, name="door")

_fire: Final = _group("Fire: what comes after it.")
_fire.command("reset")(fire_reset.fire_reset)
app.add_typer(_fire, name="fire")

_passback: Final = _group("Anti-passback: who counts as inside.")
_passback.command("clear")(passback_clear.passback_clear)
app.add_typer(_passback, name="passback")

_readers: Final = _group("The readers: what is plugged in.")
_readers.command("detect")(readers_detect.readers_detect)
app.add_typer(_readers, name="readers")

_rules: Final = _group("The rules: what the doors decide by.")
_rules.command("check")(rules_check.rules_check)
_rules.command("load")(rules_load.rules_load)
_rules.command("show")(rules_show.rules_show)
_rules.command("compare")(rules_compare.rules_compare)
_rules.command("replay")(rules_replay.rules_replay)
app.add_typer(_rules, name="rules")

_audit: Final = _group("The audit: what happened here.")
_audit.command("show")(audit_show.audit_show)
_audit.command("verify")(audit_verify.audit_verify)
_audit.command("export")(audit_export.audit_export)
app.add_typer(_audit, name="audit")

_trust: Final = _group("The trust: whose word counts here.")
_trust.command("pin")(trust_pin.trust_pin)
_trust.command("show")(trust_show.trust_show)
app.add_typer(_trust, name="trust")

_report: Final = _group("Reports: from what this device knows.")
_report.command("over-limit")(report.over_limit)
app.add_typer(_report, name="report")


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
