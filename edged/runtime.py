"""The daemon's life: claim the state, open everything, run every loop, end at rest.

The only place that starts tasks that live as long as the process.
"""

import asyncio
import hashlib
import hmac
import secrets
import signal
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from typing import NoReturn

import structlog

from edged import clock as clocks
from edged import local, notify, wiring
from edged.alarms import Alarms
from edged.board import Board
from edged.control.broadcast import Broadcast
from edged.control.server import ControlServer
from edged.health import Health, Sums
from edged.keeping import Keeping
from edged.ports import Ports
from edged.recorder import Recorder
from edged.settings import ClockTrust, Settings
from edged.store.journal import Journal
from edged.store.rules import RulesStore
from edged.store.state_dir import claim

log = structlog.get_logger()

Job = Callable[[], Awaitable[None]]


class JobEnded(RuntimeError):
    """A loop that never ends has ended: a quiet end would be a dead door."""


class _Stop(Exception):
    """SIGTERM or SIGINT came."""


def run(settings: Settings) -> None:
    """Run the daemon until SIGTERM or SIGINT; every output is at rest when this returns.

    Raises:
        StateInUse: Another daemon works in the state directory.
        DeviceMissing: A device that is not optional is not there.
        SchemaTooNew: A newer release wrote the journal or the rules.
    """
    with claim(settings.state_dir):
        asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    settings.runtime_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    async with AsyncExitStack() as opened:
        ports = await _ports(settings)
        opened.push_async_callback(ports.journal.close)
        opened.push_async_callback(ports.rules.close)
        house = wiring.build(settings, ports)
        for device in house.devices:
            opened.push_async_callback(device.close)
            await device.start()
        keeping = Keeping(ports, settings.device, version("edged"))
        await keeping.open()
        async with asyncio.TaskGroup() as outer:
            writer = outer.create_task(keeping.run(), name="journal")
            try:
                await _serve(settings, ports, house, keeping)
            finally:
                for device in house.devices:
                    await device.close()
                for each in _sums(ports, house):
                    each.sum_up()
                await keeping.end()
                writer.cancel()


async def _ports(settings: Settings) -> Ports:
    trust_host = settings.clock.trust is ClockTrust.HOST
    clock = clocks.SystemClock(clocks.host_error_s if trust_host else clocks.kernel_error_s)
    journal = Journal(settings.state_dir / "journal.db")
    rules = await RulesStore.open(settings.state_dir / "rules")
    recorder, witness = Recorder(journal, clock), Broadcast()
    pepper = settings.store_pepper
    key = secrets.token_bytes(32) if pepper is None else pepper.get_secret_value().encode()
    return Ports(
        clock=clock,
        journal=journal,
        rules=rules,
        recorder=recorder,
        witness=witness,
        alarms=Alarms(clock, recorder, witness),
        languages=settings.language,
        new_id=lambda: str(uuid.uuid4()),
        digest=lambda text: hmac.digest(key, text, hashlib.sha256),
    )


async def _serve(settings: Settings, ports: Ports, house: wiring.House, keeping: Keeping) -> None:
    """Run every loop until somebody asks to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    handlers = local.handlers(settings, ports, house, keeping)
    async with ControlServer(settings.control_socket, handlers, ports.witness) as control:
        await keeping.began()
        await house.emergency.restore()
        try:
            async with asyncio.TaskGroup() as group:
                for name, job in _jobs(settings, ports, house, control, keeping).items():
                    group.create_task(_for_ever(name, job), name=name)
                notify.notify(notify.READY)
                log.warning(
                    "not_provisioned", device=settings.device, simulated=settings.allow_simulated
                )
                log.info("ready", device=settings.device, doors=sorted(house.gates))
                await stop.wait()
                notify.notify(notify.STOPPING)
                raise _Stop  # noqa: TRY301 - the way to end a TaskGroup from inside
        except* _Stop:
            log.info("stopping")


def _jobs(
    settings: Settings,
    ports: Ports,
    house: wiring.House,
    control: ControlServer,
    keeping: Keeping,
) -> Mapping[str, Job]:
    passages = list(house.passages.values())
    board = Board(ports.alarms, drives_locks=settings.drives_locks)

    def keep(number: int) -> Job:
        return lambda: house.devices[number].run(ports.clock, ports.alarms)

    return {
        "recorder": ports.recorder.run,
        "journal, looked through": keeping.look_through,
        "control": control.run,
        "health": Health(ports, _sums(ports, house)).run,
        "board": partial(board.run, ports.clock),
        **{f"gate {name}": gate.run for name, gate in house.gates.items()},
        **{f"bank {name}": bank.run for name, bank in house.banks.items()},
        **{f"reader {passage.name}": passage.run for passage in passages},
        **{f"sounder {n}": sounder.run for n, sounder in enumerate(house.sounders)},
        **{f"feedback {n}": feedback.run for n, feedback in enumerate(house.feedbacks)},
        **{f"device {device.device.name}": keep(n) for n, device in enumerate(house.devices)},
    }


def _sums(ports: Ports, house: wiring.House) -> list[Sums]:
    """Give all that counts what comes too often to be recorded one by one."""
    return [*house.passages.values(), *house.gates.values(), ports.alarms]


async def _for_ever(name: str, job: Job) -> NoReturn:
    await job()
    raise JobEnded(name)
