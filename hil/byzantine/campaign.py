"""Schedules of lies, and the witness who holds what the device did against what was said to it."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cloud_link.commands import RELEASES
from cloud_link.ports import Device, Ports
from cloud_link.session import Link
from cloud_link.transport import Broker as Where
from cloud_link.transport import MqttTransport
from hil.byzantine.broker import Broker
from hil.byzantine.clock import Dice, WorldClock
from hil.byzantine.cloud import Cloud, Message
from hil.byzantine.forger import Forger
from hil.byzantine.house import House, Journal
from hil.byzantine.pki import Authority
from hil.byzantine.tenant import Tenant, made_key

DEVICE = "gate-1"
SPEED = 20
STEPS = 30
PATIENCE_S = 60
_AHEAD = timedelta(seconds=2)
VERBS = ("door_open", "locker_open", "lockdown", "reload", "diagnostics")


@dataclass(slots=True)
class Outcome:
    """What came of one schedule. `broken`: what must not be, in words."""

    seed: int
    broken: list[str] = field(default_factory=list)
    lies: Counter[str] = field(default_factory=Counter)
    rejects: int = 0
    done: int = 0


class Schedule:
    """One world with a broker that lies to a device, by a seed."""

    def __init__(self, seed: int, authority: Authority, folder: Path) -> None:
        self._dice = random.Random(seed)
        self._folder = folder
        self.outcome = Outcome(seed)
        self.clock = WorldClock(SPEED, known=self._dice.random() < 0.8)
        key = made_key("acme gate-1")
        self.cloud = Cloud(Tenant("acme"), DEVICE, key, self.clock.true)
        self.journal = Journal(fresh=self._dice.random() < 0.3)
        times = self.clock.true, self.clock.monotonic_ms
        self.house = House(self.journal, self.cloud.trusts[0], folder, *times)
        self.forger = Forger(self.cloud, self._dice)
        self.broker = Broker(authority, self._hear)
        self._lies = True
        self._held: list[tuple[bool, Message]] = []
        self._authority = authority
        self._device = Device("acme", DEVICE, key, "0123456789abcdef", "0.1.0")

    async def play(self) -> Outcome:
        """Lie for a while, then let the truth through, and look at what became of the device."""
        await self.broker.start()
        certificate, secret = (
            self._authority.folder / "gate-1.crt",
            self._authority.folder / "gate-1.key",
        )
        where = Where("127.0.0.1", self.broker.port, self._authority.file, certificate, secret)
        transport = MqttTransport(where, "acme", DEVICE)
        ports = Ports(self.clock, Dice(self.outcome.seed), transport, self.journal, self.house)
        link = asyncio.create_task(Link(self._device, ports).run())
        try:
            for _ in range(STEPS):
                await self._be_heard(link)
                self._step()
                await asyncio.sleep(self._dice.choice((0, 0.001, 0.004)))
            self._come_clean()
            await self._settle(link)
        finally:
            link.cancel()
            with suppress(asyncio.CancelledError):
                await link
            await self.broker.stop()
        self.outcome.broken += self._verdict()
        self.outcome.rejects = self.house.rejects.total()
        self.outcome.done = len(self.house.done)
        return self.outcome

    async def _be_heard(self, link: asyncio.Task[None]) -> None:
        """Wait a while for a device that was cut off; a deaf broker hears it again."""
        for _ in range(40):
            if self.broker.has_guest or link.done():
                return
            self.broker.deaf = False
            self.clock.jump(250)
            await asyncio.sleep(0.002)

    def _step(self) -> None:
        """Let one thing happen: in the world, on the network, or in the mind of the broker."""
        turn = self._dice.random()
        if turn < 0.35:
            self._live()
        elif turn < 0.5:
            self._disturb()
        elif turn < 0.52:
            self.broker.raw(self.forger.packet())
            self.outcome.lies["packet"] += 1
        else:
            name, (kind, data, retained) = self.forger.lie()
            if self.broker.tell(f"edged/v1/acme/{DEVICE}/down/{kind}", data, retain=retained):
                self.outcome.lies[name] += 1

    def _live(self) -> None:
        """Let the cloud or the door have something to say."""
        dice, cloud = self._dice, self.cloud
        match dice.randrange(6):
            case 0:
                self.journal.write(dice.randint(1, 300))
            case 1 | 2:
                nonce = cloud.nonces[-1] if cloud.nonces and dice.random() < 0.5 else None
                self._down(cloud.command(dice.choice(VERBS), {"door": "front"}, nonce=nonce))
            case 3:
                self._down(cloud.publish(self._rules(), confirm_s=dice.choice((0, 600))))
            case 4:
                number = len(cloud.uses)
                entry = ("aiko", "2026-11-28", "day", "", f"u{number}")
                withdraws = number and dice.random() < 0.3
                self._down(cloud.use(*((f"u{dice.randrange(number)}",) if withdraws else entry)))
            case _:
                version = len(cloud.trusts) + 1
                self._down(cloud.rotate(cloud.tenant.trust(version, self.clock.true())))

    def _disturb(self) -> None:
        """Let time pass, what was held back go on, or the connection break."""
        dice = self._dice
        match dice.randrange(5):
            case 0:
                self._be_late()
            case 1:
                self.clock.jump(dice.choice((500, 3_000, 9_000, 11_000, 70_000)))
            case 2:
                self.broker.cut()
                self.broker.deaf = dice.random() < 0.3
            case _:
                held, self._held = self._held, []
                dice.shuffle(held)
                for up, message in held:
                    self._pass(up=up, message=message)

    def _be_late(self) -> None:
        """Keep an order back until its life is over, and hand it over then."""
        order = self.cloud.command("door_open", {"door": "front"})
        self.forger.seen.append(order)
        self.clock.jump(11_000)
        self._pass(up=False, message=order)

    def _rules(self) -> dict[str, bytes]:
        number = self._dice.randrange(1_000)
        return {
            "base": json.dumps({"base": number}).encode(),
            **{f"members/{n}": json.dumps({f"m{n}": number % (n + 2)}).encode() for n in range(4)},
        }

    def _hear(self, kind: str, data: bytes) -> None:
        """Take what the device said."""
        self.forger.said.append((kind, data))
        self._fate(up=True, message=(kind, data))

    def _down(self, message: Message) -> None:
        """Take what the cloud says."""
        self.forger.seen.append(message)
        self._fate(up=False, message=message)

    def _fate(self, *, up: bool, message: Message) -> None:
        """Pass a message on, or not, or twice, or later."""
        chance = self._dice.random() if self._lies else 0
        if chance < 0.65:
            self._pass(up=up, message=message)
        elif chance < 0.75:
            self._pass(up=up, message=message)
            self._pass(up=up, message=message)
        elif chance < 0.9:
            self._held.append((up, message))

    def _pass(self, *, up: bool, message: Message) -> None:
        kind, data = message
        if up:
            for answer in self.cloud.hear(kind, data):
                self._down(answer)
        else:
            self.broker.tell(f"edged/v1/acme/{DEVICE}/down/{kind}", data)

    def _come_clean(self) -> None:
        self._lies = False
        self._held.clear()
        self.broker.deaf = False
        self.broker.cut()
        self.clock.known = True

    async def _settle(self, link: asyncio.Task[None]) -> None:
        """Wait until the device has all that it should."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._lacking() and not link.done():
                    self.clock.jump(200)
                    await asyncio.sleep(0.004)
        if link.done():
            self.outcome.broken.append(f"the link ended: {link.exception()!r}")
        elif self._lacking():
            self.outcome.broken.append(f"never came right: {self._lacking()}")

    def _lacking(self) -> list[str]:
        wanted = {
            "records": self.journal.cosigned == len(self.journal.written),
            "rules": self.house.active.version == self.cloud.wanted,
            "trial": not self.house.active.trial,
            "usage": self.house.position == len(self.cloud.uses),
            "trust": self.house.trusts[-1] == self.cloud.trusts[-1],
            "restore": not self.journal.fresh,
        }
        return [name for name, there in wanted.items() if not there]

    def _verdict(self) -> Iterator[str]:
        """Name whatever the device did that nobody had told it to do."""
        yield from self.house.wrong
        yield from self._commands()
        yield from self._rules_taken()
        yield from self._uses_taken()
        yield from self._acknowledged()
        if self.house.trusts != [one for one in self.cloud.trusts if one in self.house.trusts]:
            yield "trust that is not the tenant's"
        for at, error_ms, true in self.house.hours:
            if abs(at - true) > timedelta(milliseconds=error_ms):
                yield f"heard {at} at {true}, +-{error_ms} ms"
        if any(restore.unknown for restore in self.house.restored):
            yield "a restore that nobody made"

    def _rules_taken(self) -> Iterator[str]:
        versions = [version for version, _ in self.house.activated]
        if versions != sorted(set(versions)):
            yield f"versions fell: {versions}"
        for version, parts in self.house.activated:
            if version not in self.cloud.rules or self.cloud.rules[version][2] != parts:
                yield f"rules {version} are not the cloud's"

    def _uses_taken(self) -> Iterator[str]:
        made = {entry for entry in self.cloud.uses if len(entry) > 1}
        taken_back = {entry[0] for entry in self.cloud.uses if len(entry) == 1}
        if not (self.house.added <= made and self.house.withdrawn <= taken_back):
            yield "uses that nobody made"
        known = self.cloud.uses[: self.house.position]
        if not {entry for entry in known if len(entry) > 1} <= self.house.added:
            yield "uses were skipped"

    def _acknowledged(self) -> Iterator[str]:
        for seq in range(1, self.journal.cosigned + 1):
            if self.cloud.records.get((self.journal.epoch, seq)) != self.journal.written[seq - 1]:
                yield f"record {seq} is not at the cloud"
                break
        if self.journal.rollbacks:
            yield f"a new epoch without need: {self.journal.rollbacks}"

    def _commands(self) -> Iterator[str]:
        """Hold what was carried out against what was issued."""
        identities = [command.id for command, _ in self.house.done]
        if len(set(identities)) < len(identities):
            yield "a command was carried out twice"
        for command, at in self.house.done:
            issued = self.cloud.commands.get(command.id)
            if issued is None or issued.verb != command.verb:
                yield f"nobody issued {command.verb}"
            elif (
                command.verb in RELEASES
                and issued.nonce is None
                and not issued.issued_at - _AHEAD <= at < issued.expires_at
            ):
                yield f"{command.verb} at {at}, issued {issued.issued_at}"


async def play(seeds: range, folder: Path) -> list[Outcome]:
    """Play a schedule for each seed."""
    authority = Authority(folder)
    authority.issue(DEVICE)
    outcomes = []
    for seed in seeds:
        parts = folder / str(seed)
        parts.mkdir()
        outcomes.append(await Schedule(seed, authority, parts).play())
    return outcomes
