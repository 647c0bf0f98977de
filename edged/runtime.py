"""The daemon's life: claim the state, open everything, run every loop, end at rest.

The only place that starts tasks that live as long as the process.
"""

import asyncio
import gc
import hashlib
import hmac
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import structlog

from edged import limits, local, notify, wiring
from edged.ahead import Ahead
from edged.alarms.board import Board
from edged.alarms.raised import Alarms
from edged.clock import Clock, SystemClock, host_error_s, kernel_error_s
from edged.cloud import trial
from edged.control.broadcast import Broadcast
from edged.control.server import ControlServer
from edged.health import Health, Sums
from edged.ports import EventIds, Outside, Ports
from edged.records.keeping import Keeping
from edged.records.recorder import Recorder
from edged.settings.marks import marks
from edged.settings.model import ClockTrust, Settings
from edged.store.journal import Journal
from edged.store.rules import RulesStore
from edged.store.state_dir import claim
from policy.model import Side

if TYPE_CHECKING:
    from edged.cloud.service import CloudLink

log = structlog.get_logger()

Job = Callable[[], Awaitable[None]]


class JobEnded(RuntimeError):
    """A loop that never ends has ended: a quiet end would be a dead door."""


class _Stop(Exception):
    """SIGTERM or SIGINT came."""


def run(settings: Settings, config: Path | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT; every output is at rest when this returns.

    `config`: the file that the settings are from, for whoever is begun by them.

    Raises:
        StateInUse: Another daemon works in the state directory.
        DeviceMissing: A device that is not optional is not there.
        SchemaTooNew: A newer release wrote the journal or the rules.
    """
    with claim(settings.state_dir):
        asyncio.run(live(settings, _system_clock(settings), config=config))


async def live(
    settings: Settings,
    clock: Clock,
    outside: Outside | None = None,
    *,
    config: Path | None = None,
) -> None:
    """Run the daemon by `clock` in this event loop, as `run` does; the state has been claimed."""
    settings.runtime_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    async with AsyncExitStack() as opened:
        ports = _ports(settings, clock, outside)
        opened.push_async_callback(ports.journal.close)
        opened.push_async_callback(ports.rules.close)
        house = wiring.build(settings, ports, config)
        opened.push_async_callback(house.commission.close)
        for device in house.devices:
            opened.push_async_callback(device.close)
            await device.start()
        keeping = Keeping(ports, settings.device, version("edged"), marks(settings))
        cloud = _cloud(settings, ports, house, keeping)
        if cloud is not None:
            opened.push_async_callback(cloud.close)
        async with asyncio.TaskGroup() as outer:
            writer = outer.create_task(keeping.run(), name="journal")
            try:
                await _serve(settings, ports, house, keeping, cloud)
                trial.run_ends(settings.state_dir / "rules")
            finally:
                for device in house.devices:
                    await device.close()
                for each in _sums(ports, house, cloud):
                    each.sum_up()
                await keeping.end()
                writer.cancel()


def _system_clock(settings: Settings) -> Clock:
    trust_host = settings.clock.trust is ClockTrust.HOST
    return SystemClock(
        host_error_s if trust_host else kernel_error_s,
        needs_cloud=settings.cloud is not None and local.provisioned(settings),
    )


def _ports(settings: Settings, clock: Clock, outside: Outside | None) -> Ports:
    """Make what every part is given; nothing has been read yet."""
    journal = Journal(settings.state_dir / "journal.db")
    rules = RulesStore(settings.state_dir / "rules")
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
        new_id=EventIds(),
        digest=lambda text: hmac.digest(key, text, hashlib.sha256),
        outside=outside,
    )


def _cloud(
    settings: Settings, ports: Ports, house: wiring.House, keeping: Keeping
) -> "CloudLink | None":
    """Make the link, where the settings name a cloud; nothing is connected."""
    if settings.cloud is None:
        return None
    from edged.cloud.service import CloudLink  # noqa: PLC0415 - a device that is alone spares it

    status = partial(local.report, settings, ports, house)
    return CloudLink(settings, settings.cloud, ports, house, keeping, status)


async def _serve(
    settings: Settings,
    ports: Ports,
    house: wiring.House,
    keeping: Keeping,
    cloud: "CloudLink | None",
) -> None:
    """Run every loop until somebody asks to stop: the way out first, whatever the disk does."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    handlers = local.handlers(settings, ports, house, keeping, cloud)
    guest = None if settings.console is None else settings.console.user
    async with ControlServer(
        settings.control_socket, handlers, ports.witness, guest=guest
    ) as control:
        try:
            async with asyncio.TaskGroup() as group:
                ruled = group.create_task(keeping.rules_tried())
                known = group.create_task(_take_up(group, settings, house, keeping))
                await asyncio.wait({known}, timeout=limits.TOLD_AT_ONCE_S)
                _begin(group, _way_out(ports, house))
                _begin(group, _readers(ports, house, ruled, known))
                await known
                _begin(group, _jobs(settings, ports, house, control, keeping, cloud))
                gc.freeze()  # what is here stays: no collection looks it through while one waits
                gc.set_threshold(limits.COLLECT_AFTER)
                sys.setswitchinterval(limits.SWITCH_S)
                notify.notify(notify.READY)
                if not local.provisioned(settings):
                    log.warning(
                        "not_provisioned",
                        device=settings.device,
                        simulated=settings.allow_simulated,
                    )
                log.info("ready", device=settings.device, doors=sorted(house.gates))
                await stop.wait()
                notify.notify(notify.STOPPING)
                raise _Stop  # noqa: TRY301 - the way to end a TaskGroup from inside
        except* _Stop:
            log.info("stopping")


async def _take_up(
    group: asyncio.TaskGroup, settings: Settings, house: wiring.House, keeping: Keeping
) -> None:
    """Take up the rules and what held when the daemon ended, as far as the disk tells in time.

    All of it has one time to be told in: whoever comes meanwhile waits.
    """
    loop = asyncio.get_running_loop()
    by_s = loop.time() + limits.COMMIT_S
    group.create_task(_read_rules(settings, keeping), name="rules")
    await keeping.opened(by_s)
    group.create_task(house.emergency.restore(), name="emergency")
    restored = group.create_task(house.emergency.restored(), name="emergency, told")
    await keeping.began(by_s)
    await asyncio.wait({restored}, timeout=max(0.0, by_s - loop.time()))


async def _read_rules(settings: Settings, keeping: Keeping) -> None:
    await asyncio.to_thread(trial.run_begins, settings.state_dir / "rules")
    await keeping.read_rules()


def _begin(group: asyncio.TaskGroup, jobs: Mapping[str, Job]) -> None:
    for name, job in jobs.items():
        group.create_task(_for_ever(name, job), name=name)


def _way_out(ports: Ports, house: wiring.House) -> Mapping[str, Job]:
    """Give what moves a bolt for the exit button and for a fire."""

    def keep(number: int) -> Job:
        return lambda: house.devices[number].run(ports.clock, ports.alarms)

    return {
        **{f"gate {name}": gate.run for name, gate in house.gates.items()},
        **{f"device {device.device.name}": keep(n) for n, device in enumerate(house.devices)},
    }


def _readers(
    ports: Ports, house: wiring.House, ruled: "asyncio.Task[None]", known: "asyncio.Task[None]"
) -> Mapping[str, Job]:
    """Give what decides at readers, and shows it; who leaves waits for nothing but the rules.

    `ruled`: the rules were read, or can't be; `known`: so is all that a start waits for.
    """

    async def decide(name: str, job: Job) -> None:
        await asyncio.wait({ruled, known}, return_when=asyncio.FIRST_COMPLETED)
        rules = ports.rules.rules
        device = None if rules is None else rules.devices.get(name)
        if device is None or device.side is not Side.OUT:
            await asyncio.wait({known})
        await job()

    passages = house.passages.items()
    return {
        **{f"reader {name}": partial(decide, name, one.run) for name, one in passages},
        **{f"delayed {name}": partial(decide, name, one.run_delayed) for name, one in passages},
        **{f"feedback {n}": feedback.run for n, feedback in enumerate(house.feedbacks)},
    }


def _jobs(
    settings: Settings,
    ports: Ports,
    house: wiring.House,
    control: ControlServer,
    keeping: Keeping,
    cloud: "CloudLink | None",
) -> Mapping[str, Job]:
    board = Board(ports.alarms, drives_locks=settings.drives_locks)
    return {
        "recorder": ports.recorder.run,
        **({} if cloud is None else {"cloud": cloud.run}),
        "journal, looked through": keeping.look_through,
        "journal, log": ports.journal.keep_log_short,
        "control": control.run,
        "health": Health(ports, _sums(ports, house, cloud)).run,
        "board": partial(board.run, ports.clock),
        "logins": house.logins.run,
        "timetables": Ahead(ports, house.passages).run,
        **{f"bank {name}": bank.run for name, bank in house.banks.items()},
        **{f"sounder {n}": sounder.run for n, sounder in enumerate(house.sounders)},
    }


def _sums(ports: Ports, house: wiring.House, cloud: "CloudLink | None") -> list[Sums]:
    """Give all that counts what comes too often to be recorded one by one."""
    linked = [] if cloud is None else [cloud]
    return [*house.passages.values(), *house.gates.values(), *linked, ports.alarms]


async def _for_ever(name: str, job: Job) -> NoReturn:
    await job()
    raise JobEnded(name)
