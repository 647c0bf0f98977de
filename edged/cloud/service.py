"""The link as a part of the daemon: made here, kept alive here, and never the end of anything.

Imported only where the settings name a cloud: the MQTT client costs 0.2 s and 20 MB.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.metadata import version

import structlog

from cloud_link import transport
from cloud_link.ports import Chance, Device, Renewal, Transport
from cloud_link.ports import Ports as LinkPorts
from cloud_link.session import Link
from cloud_link.shapes import spell_instant
from cloud_link.transport import MqttTransport
from cloud_link.trust import Distrusted
from edged import limits
from edged.cloud.files import device_key, trust_file
from edged.cloud.inbox import DaemonInbox
from edged.cloud.memory import Memory
from edged.cloud.orders import Orders
from edged.cloud.outbox import JournalOutbox
from edged.cloud.retention import Retention
from edged.cloud.rules_down import SOURCE, RulesDown
from edged.cloud.trusting import authorities
from edged.core.alarm_words import AlarmName
from edged.doors.desk import DoorDesk
from edged.errors import EnrolmentRefused, Untrusted
from edged.identity.lasting import Lasting, told
from edged.identity.provision import made
from edged.identity.registry import MqttRegistry
from edged.identity.renewal import Certificates
from edged.lockers.desk import LockerDesk
from edged.ports import Ports
from edged.records.keeping import Keeping
from edged.settings.model import Broker, Settings
from edged.store.errors import StoreFailed
from edged.wiring import House

log = structlog.get_logger()


class Dice:
    """Chance, from the system."""

    def nonce(self) -> str:
        """Return 32 hex digits that nobody can guess."""
        return secrets.token_hex(16)

    def below_ms(self, bound_ms: int) -> int:
        """Return a whole number from 0 to `bound_ms`, each as likely."""
        return secrets.randbelow(bound_ms + 1)


class CloudLink:
    """What the settings' `[cloud]` asks for.

    Args:
        settings: The device's.
        broker: Its table of the cloud.
        ports: The daemon's.
        house: The doors and lockers that commands are about.
        keeping: Told when other rules are in force.
        status: Says how everything is, for a command that asks.
    """

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        ports: Ports,
        house: House,
        keeping: Keeping,
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._ports = ports
        self._outbox = JournalOutbox(ports, settings.state_dir / "journal.db")
        self._retention = Retention(ports, self._outbox)
        self._rules = RulesDown(ports, keeping, settings.state_dir / "rules")
        self._lasting = Lasting(settings, broker, ports.clock, ports.alarms)
        self._claims = house.claims
        doors = DoorDesk(ports, house.gates, house.emergency)
        lockers = LockerDesk(settings, ports, house.banks)
        self._orders = Orders(ports, self._outbox, doors, lockers, status)
        ids = frozenset(name for bank in house.banks.values() for name in bank.channels)
        self._banks = tuple(house.banks.values())
        self._memory = Memory(ports, self._outbox, ids, self._restored)
        self._inbox: DaemonInbox | None = None
        self._link: Link | None = None
        self._stage = ""

    async def run(self) -> None:
        """Keep the link, for ever."""
        async with asyncio.TaskGroup() as group:
            jobs = (self._outbox.run, self._rules.run, self._retention.run, self._lasting.run)
            for job in (*jobs, self._live):
                group.create_task(self._kept(job))

    def sum_up(self) -> None:
        """Record what was counted since the last time, if anything."""
        if self._inbox is not None:
            self._inbox.sum_up()

    async def status(self) -> Mapping[str, object]:
        """Say how the link is, plain JSON values only; also where the journal can't be read."""
        found = None if self._link is None else self._link.status()
        now = {
            "host": f"{self._broker.host}:{self._broker.port}",
            "connected": found is not None and found.connected,
            "why": self._stage if found is None else found.why,
            "fresh_s": None if found is None or found.fresh_ms is None else found.fresh_ms // 1000,
            **told(self._lasting.found),
        }
        try:
            return {**now, **await self._kept_here()}
        except StoreFailed as failed:
            return {**now, "journal": str(failed)}

    async def _kept_here(self) -> Mapping[str, object]:
        """Say where the audit is, and how old what others used is. Raises StoreFailed."""
        standing, buffer = await self._outbox.standing(), await self._outbox.buffer()
        position, as_of = await self._memory.position()
        return {
            "epoch": standing.epoch,
            "records": standing.seq,
            "acknowledged": standing.cosigned,
            "waiting": buffer.model_dump(),
            "usage": {
                "position": position,
                "as_of": None if as_of is None else spell_instant(as_of),
            },
        }

    async def close(self) -> None:
        """Close what was opened."""
        await self._outbox.close()

    def _restored(self) -> None:
        for bank in self._banks:
            bank.restored()

    async def _kept(self, job: Callable[[], Awaitable[None]]) -> None:
        """Do a job for ever. What is wrong with it is an alarm, no door minds: it begins anew."""
        while True:
            try:
                await job()
            except (Distrusted, Untrusted, OSError) as error:
                log.error("link_failed", problem=str(error))
                self._alarm(str(error))
            except Exception as error:  # a fault of ours, or of the cloud's
                log.exception("link_failed")
                self._alarm(repr(error))
            await self._ports.clock.sleep_ms(limits.LINK_AGAIN_MS)

    async def _live(self) -> None:
        """Make a link and run it until it fails."""
        try:
            self._link = await self._made()
            self._alarm(None)
            await self._link.run()
        finally:
            self._link = None

    async def _made(self) -> Link:
        settings, broker = self._settings, self._broker
        await self._rules.open()
        way, renewal = await self._way()
        key = await asyncio.to_thread(device_key, settings.state_dir)
        if not trust_file(settings.state_dir).exists():
            raise Untrusted("this device trusts nobody yet: edged trust pin FILE")
        self._inbox = DaemonInbox(
            self._ports, settings.state_dir, self._orders, self._memory, self._rules
        )
        boot = secrets.token_hex(8)  # of this link: its sessions are counted from 1
        device = Device(broker.tenant, settings.device, key, boot, version("edged"))
        chance: Chance = Dice()
        if (outside := self._ports.outside) is not None:
            chance, way = outside.chance, outside.transport
        ports = LinkPorts(self._ports.clock, chance, way, self._outbox, self._inbox, renewal)
        return Link(device, ports)

    async def _way(self) -> tuple[Transport, Renewal | None]:
        """Return the way to the broker: by an installer's files, or as this device is enrolled."""
        settings, broker = self._settings, self._broker
        if broker.certificate_file is not None:
            files = broker.ca_file, broker.certificate_file, broker.key_file
            named = partial(authorities, settings.state_dir, broker.tenant)
            where = transport.Broker(broker.host, broker.port, *files, named)
            clock = self._ports.clock
            way = MqttTransport(where, broker.tenant, settings.device, lambda: clock.now().trusted)
            return way, None
        await self._enrolled()
        certificates = Certificates(settings, broker, self._ports.clock)
        return certificates, certificates

    async def _enrolled(self) -> None:
        """Go on with an enrolment that was begun, and cut; or begin one by a claim that is shown.

        Who has a certificate connects with it, and leaves the rest to whoever began it.
        """
        course = await asyncio.to_thread(made, self._settings, self._broker, self._ports.clock)

        def tell(step: str, **facts: object) -> None:
            log.info("enrolment", step=step, **facts)
            self._stage = f"enrolment: {step}, {facts.get('why', '')}".rstrip(", ")

        registry = MqttRegistry(self._settings, self._ports.clock, tell, self._broker)
        while course.identity.current is None:
            why = "this device has no certificate yet: edged provision, or show it a claim"
            try:
                await course.run(registry, tell)
            except EnrolmentRefused as refused:
                why = str(refused)
                self._stage = f"enrolment: refused, {why}"
            if course.identity.current is None:
                self._alarm(None)  # or it goes on for the cause before
                self._alarm(why)
                await course.claim(await self._claims.take(), None)

    def _alarm(self, cause: str | None) -> None:
        self._ports.alarms.change(
            SOURCE, AlarmName.LINK_FAILED, raised=cause is not None, cause=cause
        )
