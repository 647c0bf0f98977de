"""What the control socket can ask of this daemon, and the answers."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edged import wiring
from edged.apart import Apart
from edged.cloud.files import trust_file
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.core import events
from edged.counters.loyalty import LoyaltyDesk
from edged.doors.desk import DoorDesk
from edged.identity.desk import ProvisionDesk
from edged.lockers.desk import LockerDesk
from edged.ports import Ports
from edged.records.keeping import Keeping
from edged.rulebook import load as rules_load
from edged.settings.model import Settings
from edged.whatif.inquiry import Inquiry

if TYPE_CHECKING:
    from edged.cloud.service import CloudLink


def handlers(
    settings: Settings,
    ports: Ports,
    house: wiring.House,
    keeping: Keeping,
    cloud: "CloudLink | None" = None,
) -> Mapping[Verb, Handler]:
    """Make the handler of every verb that asks for an answer."""
    build = Apart(rules_load.load, "other rules are being loaded")

    async def status(_: Mapping[str, object]) -> Mapping[str, object]:
        link = None if cloud is None else await cloud.status()
        return {**report(settings, ports, house), "link": link}

    async def load(arguments: Mapping[str, object]) -> Mapping[str, object]:
        loaded = await build(Path(str(arguments["path"])), settings.state_dir)
        await ports.rules.reload()
        keeping.rules_changed()
        return {
            "version": loaded.version,
            "fingerprint": loaded.fingerprint,
            "members": loaded.members,
        }

    desk, inquiry = LockerDesk(settings, ports, house.banks), Inquiry(settings, ports.clock)
    return {
        Verb.STATUS: status,
        Verb.RULES_LOAD: load,
        Verb.LOCKERS: desk.show,
        Verb.LOCKER: desk.order,
        Verb.LOYALTY: LoyaltyDesk(ports).order,
        Verb.DOOR: DoorDesk(ports, house.gates, house.emergency).order,
        Verb.WHY: inquiry.why,
        Verb.RECORDS: inquiry.records,
        Verb.BOOKINGS: inquiry.bookings,
        Verb.READINESS: inquiry.readiness,
        Verb.LOGIN: house.logins.order,
        Verb.COMMISSION: house.commission.order,
        Verb.PROVISION: ProvisionDesk(
            settings, ports, house.claims, None if cloud is None else cloud.status
        ).order,
    }


def provisioned(settings: Settings) -> bool:
    """Tell whether somebody has told this device whom it trusts."""
    return trust_file(settings.state_dir).exists()


def report(settings: Settings, ports: Ports, house: wiring.House) -> Mapping[str, object]:
    """Say how everything is, plain JSON values only."""
    now, rules = ports.clock.now(), ports.rules.rules
    failed, standing = ports.journal.failed, ports.clock.standing()
    return {
        "device": settings.device,
        "simulated": settings.allow_simulated,
        "provisioned": provisioned(settings),
        "clock": {
            "at": events.stamp_text(now.at),
            "state": now.state.value,
            "error_s": None if now.error_ms is None else now.error_ms / 1000,
            "not_before": events.stamp_text(now.earliest),
            "source": standing.source.value,
            "drift_ppm": standing.drift_ppm,
        },
        "rules": None
        if rules is None
        else {
            "tenant": rules.tenant,
            "version": rules.version,
            "issued_at": events.stamp_text(rules.issued_at),
            "fingerprint": ports.rules.fingerprint,
        },
        "faults": [] if rules is None else list(wiring.mismatches(settings, rules)),
        "journal": {
            "failed": None if failed is None else str(failed),
            "records_waiting": len(ports.recorder),
        },
        "doors": {name: gate.shown for name, gate in house.gates.items()},
        "lockers": {
            name: Counter(locker.state.value for locker in bank.lockers.values())
            for name, bank in house.banks.items()
        },
        "devices": {
            device.device.name: "open" if device.is_open else "lost" for device in house.devices
        },
        "scans_dropped": {name: passage.overflow for name, passage in house.passages.items()},
        "alarms": ports.alarms.listing(),
    }
