"""What the control socket can ask of this daemon, and the answers."""

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from edged import rules_load, wiring
from edged.control.client import ControlRefused
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.core import events
from edged.door_desk import DoorDesk
from edged.exits import explain
from edged.keeping import Keeping
from edged.locker_desk import LockerDesk
from edged.loyalty_desk import LoyaltyDesk
from edged.ports import Ports
from edged.settings import Settings
from edged.store.errors import FailKind, StoreFailed


def handlers(
    settings: Settings, ports: Ports, house: wiring.House, keeping: Keeping
) -> Mapping[Verb, Handler]:
    """Make the handler of every verb that asks for an answer."""
    build = _Building(settings.state_dir)

    async def status(_: Mapping[str, object]) -> Mapping[str, object]:
        return report(settings, ports, house)

    async def load(arguments: Mapping[str, object]) -> Mapping[str, object]:
        loaded = await build(Path(str(arguments["path"])))
        await ports.rules.reload()
        keeping.rules_changed()
        return {
            "version": loaded.version,
            "fingerprint": loaded.fingerprint,
            "members": loaded.members,
        }

    desk = LockerDesk(settings, ports, house.banks)
    return {
        Verb.STATUS: status,
        Verb.RULES_LOAD: load,
        Verb.LOCKERS: desk.show,
        Verb.LOCKER: desk.order,
        Verb.LOYALTY: LoyaltyDesk(ports).order,
        Verb.DOOR: DoorDesk(ports, house.gates, house.emergency).order,
    }


class _Building:
    """Builds rule sets, each in a process of its own: here it would hold up every scan.

    One at a time, as `edged.store.rules` demands; one that nobody waits for any more counts.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._last: Future[rules_load.Loaded | tuple[int, list[str]]] | None = None

    async def __call__(self, path: Path) -> rules_load.Loaded:
        if self._last is not None and not self._last.done():
            raise StoreFailed(FailKind.BUSY, "other rules are being loaded")
        worker = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        self._last = worker.submit(_load, path, self._state_dir)
        worker.shutdown(wait=False)
        loaded = await asyncio.wrap_future(self._last)
        if isinstance(loaded, rules_load.Loaded):
            return loaded
        raise ControlRefused(*loaded)


def _load(path: Path, state_dir: Path) -> rules_load.Loaded | tuple[int, list[str]]:
    """Load in the worker; an error crosses to the daemon in words, for most can't be pickled."""
    try:
        return rules_load.load(path, state_dir)
    except Exception as error:  # noqa: BLE001 - all of them are explained over there
        return explain(error)


def report(settings: Settings, ports: Ports, house: wiring.House) -> Mapping[str, object]:
    """Say how everything is, plain JSON values only."""
    now, rules = ports.clock.now(), ports.rules.rules
    failed = ports.journal.failed
    return {
        "device": settings.device,
        "simulated": settings.allow_simulated,
        "provisioned": False,
        "clock": {"at": events.stamp_text(now.at), "state": now.state.value},
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
