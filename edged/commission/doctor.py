"""`edged doctor`: everything that can be looked at while nobody is there to help."""

import os
import shutil
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

from edged.alarms import board
from edged.clock import SystemClock
from edged.cloud.trusting import authorities
from edged.commission import findings, probes
from edged.commission.findings import Finding, Grade
from edged.control.client import ControlRefused, DaemonUnreachable, ask, daemon_pid
from edged.control.wire import Verb
from edged.errors import Untrusted
from edged.exits import explain
from edged.identity import lasting
from edged.identity.lasting import life
from edged.installation import PEPPER
from edged.settings.devices import GpioIndicator, GpioLock
from edged.settings.file import load
from edged.settings.model import Settings
from edged.store import audit
from edged.store.errors import StoreError

_OURS: Final = ("edged", "drivers", "policy", "cloud_link")


@dataclass(frozen=True, slots=True)
class Subject:
    """The device that is looked at. `root`: where the computer's own files are."""

    config: Path
    settings: Settings
    root: Path

    @property
    def status(self) -> Mapping[str, object]:
        """Ask the daemon how everything is. Raises DaemonUnreachable, ControlRefused."""
        return ask(self.settings.control_socket, Verb.STATUS)


def examine(
    config: Path, root: Path = Path("/"), names: Collection[str] | None = None
) -> Iterator[Finding]:
    """Look at everything, and give what was found as it is found.

    A look that fails is a finding of its own, and no other is left out for it. `root`: where the
    computer's own files are. `names`: of `CHECKS`; None: all.
    """
    settings = load(config)
    if not isinstance(settings, Settings):
        for fault in settings:
            yield Finding("settings", Grade.FAIL, str(fault), "correct the settings file")
        return
    yield _of_settings(settings)
    for name in CHECKS if names is None else names:
        yield from look(name, Subject(config, settings, root))


def look(check: str, subject: Subject) -> Iterator[Finding]:
    """Take one look of `CHECKS`; what fails with it is a finding."""
    try:
        yield from CHECKS[check](subject)
    except (DaemonUnreachable, ControlRefused) as error:
        yield Finding(check, Grade.FAIL, _line(error), "systemctl status edged")
    except (OSError, ValueError, StoreError, Untrusted) as error:
        yield Finding(check, Grade.FAIL, _line(error), "run it as root, or see the line above")


def _line(error: BaseException) -> str:
    return "; ".join(explain(error)[1])


def _of_settings(settings: Settings) -> Finding:
    doors = f"{settings.device}: {len(settings.doors)} doors, {len(settings.lockers)} locker banks"
    if settings.allow_simulated:
        said = f"{doors}; simulated devices stand in for real ones: this guards nothing"
        return Finding("settings", Grade.WARN, said, "allow_simulated = false")
    return Finding("settings", Grade.OK, doors)


def _files(subject: Subject) -> Iterator[Finding]:
    owners = {"root": 0, "this user": os.geteuid()}
    with suppress(FileNotFoundError):
        owners["the daemon's"] = subject.settings.state_dir.stat().st_uid
    secrets_dir = (subject.root / PEPPER).parent
    seen = list(probes.files(subject.config, subject.settings, secrets_dir))
    yield from findings.of_files(seen, owners)


def _secrets(subject: Subject) -> Iterator[Finding]:
    if subject.settings.store_pepper is not None or (subject.root / PEPPER).exists():
        yield Finding("secrets", Grade.OK, "store_pepper is there")
    else:
        said = "store_pepper is missing: no plain codes and no PINs"
        yield Finding("secrets", Grade.WARN, said, "edged install makes one")


def _journal(subject: Subject) -> Iterator[Finding]:
    path = subject.settings.state_dir / "journal.db"
    if not path.exists():
        yield Finding("journal", Grade.FAIL, f"{path} is not there", "start the daemon")
        return
    found = audit.verify(path)
    if isinstance(found, audit.Broken):
        said, todo = f"record {found.seq}: {found.why}", "keep the disk as it is, and ask why"
        yield Finding("journal", Grade.FAIL, said, todo)
    else:
        said = f"{found.count} records follow each other, {found.cosigned} cosigned"
        yield Finding("journal", Grade.OK, said)


def _disk(subject: Subject) -> Iterator[Finding]:
    state = subject.settings.state_dir
    usage = shutil.disk_usage(state)
    yield findings.of_space(usage.free, usage.total)
    yield findings.of_fsync(probes.fsync_ms(state))


def _rules(subject: Subject) -> Iterator[Finding]:
    status, ready = subject.status, None
    if status.get("rules") is not None:
        ready = ask(subject.settings.control_socket, Verb.READINESS)
    yield from findings.of_rules(status, ready)


def _clock(subject: Subject) -> Iterator[Finding]:
    yield from findings.of_clock(subject.status, has_rtc=probes.has_rtc(subject.root))


def _header(subject: Subject) -> Iterator[Finding]:
    on_header = subject.settings.gpio.kind == "header"
    needed = on_header and _stands_on_lines(subject.settings)
    yield findings.of_chips(dict(probes.gpio_chips(subject.root)), needed=needed)


def _memory(subject: Subject) -> Iterator[Finding]:
    yield findings.of_memory(probes.memory_bytes(subject.root))


def _throttled(subject: Subject) -> Iterator[Finding]:
    yield findings.of_throttled(board.throttled(subject.root))


def _power(subject: Subject) -> Iterator[Finding]:
    yield findings.of_power(board.under_voltage(subject.root))
    if subject.settings.drives_locks:
        yield findings.of_outputs(board.outputs_persist(subject.root))


def _devices(subject: Subject) -> Iterator[Finding]:
    yield from findings.of_devices(subject.status)


def _keeper(subject: Subject) -> Iterator[Finding]:
    """The process that ends every pulse on a line of the header, whatever the daemon does."""
    if not _stands_on_lines(subject.settings):
        yield Finding("line_keeper", Grade.OK, "nothing stands on an output of the header")
        return
    pid = daemon_pid(subject.settings.control_socket)
    if any("drivers.line_keeper" in line for line in probes.children(pid)):
        yield Finding("line_keeper", Grade.OK, "it keeps the lines of the header")
    else:
        said, todo = "it does not run: no line of the header moves", "systemctl restart edged"
        yield Finding("line_keeper", Grade.FAIL, said, todo)


def _stands_on_lines(settings: Settings) -> bool:
    readers = [one for door in settings.doors.values() for one in door.readers.values()]
    lights = [settings.alarm_output, *(one.indicator for one in readers)]
    locks = [door.lock for door in settings.doors.values()]
    return any(isinstance(one, GpioLock | GpioIndicator) for one in (*locks, *lights))


def _alarms(subject: Subject) -> Iterator[Finding]:
    yield from findings.of_alarms(subject.status)


def _link(subject: Subject) -> Iterator[Finding]:
    if subject.settings.cloud is not None:
        yield findings.of_link(subject.status.get("link"))


def _broker(subject: Subject) -> Iterator[Finding]:
    broker, now = subject.settings.cloud, SystemClock().now().at
    if broker is None:
        yield Finding("broker", Grade.OK, "the settings name no cloud: the device is alone")
        return
    own = lasting.own_files(subject.settings, broker)
    for whose, one in lasting.lives(subject.settings, broker).items():
        yield findings.of_certificate(whose, f"this device's {whose}", one, now)
    if own is None:
        said, todo = "this device has no certificate yet", "edged provision, or show it a claim"
        yield Finding("certificate", Grade.WARN, said, todo)
        return
    try:
        named = authorities(subject.settings.state_dir, broker.tenant)
        told = probes.broker_certificate(broker, own, named)
    except ssl.SSLCertVerificationError as error:
        todo = "has the broker another authority? systemd/manual.md, The broker's authority"
        yield Finding("broker", Grade.WARN, f"{broker.host}:{broker.port}: {error}", todo)
    except OSError as error:
        todo = "look at the line, the firewall and the clock; the doors go on without it"
        yield Finding("broker", Grade.WARN, f"{broker.host}:{broker.port}: {error}", todo)
    else:
        whose = f"{broker.host}:{broker.port} answers; its certificate"
        yield findings.of_certificate("broker", whose, life(told), now)


def _console(subject: Subject) -> Iterator[Finding]:
    told, now = subject.settings.console, SystemClock().now().at
    if told is None:
        yield Finding("console", Grade.OK, "the settings have none")
        return
    place = f"{told.host}:{told.port}"
    try:
        probes.listens(told.host, told.port)
    except OSError as error:
        todo = "systemctl status edged-console"
        yield Finding("console", Grade.WARN, f"{place}: {error}", todo)
        return
    if told.tls:
        lasts = life((told.folder / "console.crt").read_bytes())
        whose = f"it listens at {place}; its certificate"
        yield findings.of_certificate("console", whose, lasts, now)
    else:
        yield Finding("console", Grade.OK, f"it listens at {place}")


def _packages(_: Subject) -> Iterator[Finding]:
    """Another distribution of one of our names would have replaced it without a word."""
    from_whom = packages_distributions()
    strange = [name for name in _OURS if set(from_whom.get(name, ())) - {"edged"}]
    if strange:
        said = f"somebody else brings {', '.join(strange)}"
        yield Finding("packages", Grade.FAIL, said, "install edged into an environment of its own")
    else:
        yield Finding("packages", Grade.OK, "the programs are ours alone")


CHECKS: Final[Mapping[str, Callable[[Subject], Iterator[Finding]]]] = {
    "files": _files,
    "secrets": _secrets,
    "journal": _journal,
    "disk": _disk,
    "rules": _rules,
    "clock": _clock,
    "header": _header,
    "memory": _memory,
    "throttled": _throttled,
    "power": _power,
    "devices": _devices,
    "line_keeper": _keeper,
    "alarms": _alarms,
    "link": _link,
    "broker": _broker,
    "console": _console,
    "packages": _packages,
}
"""Every look beside the one at the settings, in their order."""
