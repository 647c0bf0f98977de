"""The building as a whole: its doors in time, its devices, and who listens to them."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

from hil.building.bus import Bus
from hil.building.camera import BadPicture, Camera
from hil.building.config import Config
from hil.building.door import (
    Change,
    Coil,
    Dark,
    Door,
    Event,
    LockType,
    Part,
    Wait,
    step,
)
from hil.building.lockers import Bank
from hil.building.observations import Observations
from hil.building.relay import Relay
from hil.building.scanner import Scanner, device

_LEVEL = {
    Part.COIL: "energised",
    Part.BOLT: "released",
    Part.DOOR: "open",
    Part.BUTTON: "pressed",
    Part.TAMPER: "opened",
}


class Refused(Exception):
    """It can't be done, and nothing changed. The text is the answer to whoever asked."""


class Building:
    """Everything that stands outside the daemon. Works in one running event loop.

    Args:
        config: What is built, with absolute paths.
        observations: Where everything that happens is written down.
        clock_us: The building's monotonic clock, us.
    """

    def __init__(
        self, config: Config, observations: Observations, clock_us: Callable[[], int]
    ) -> None:
        self.observations = observations
        self._clock_us = clock_us
        self._seen_us = clock_us()
        clock = self.clock
        self.doors = {
            name: Door(each.lock, each.opens_after_ms, each.jammed, each.way_out, at_ms=clock())
            for name, each in config.doors.items()
        }
        self.scanners = {
            name: Scanner(each.link, device(each.family, each.terminator), clock)
            for name, each in config.scanners.items()
        }
        self.relays = {name: Relay(each, self._feed, clock) for name, each in config.relays.items()}
        self.cameras = {
            name: Camera(each.width, each.height, each.fps) for name, each in config.cameras.items()
        }
        self.banks = {
            name: Bank(each, partial(self._note_locker, name))
            for name, each in config.lockers.items()
        }
        self.buses = {name: Bus(each, self.banks, clock) for name, each in config.buses.items()}
        self.readers: dict[str, set[Callable[[str], None]]] = {}
        self.signals: dict[str, dict[str, object]] = {}
        self.switches = {"fire": False, "lockdown": False}
        self.switch_listeners: set[Callable[[str, bool], None]] = set()
        self.level_listeners: set[Callable[[str, Change], None]] = set()
        self.locker_listeners: set[Callable[[str, int, bool], None]] = set()
        self._config = config
        self._fed_by = {door: key for key, door in config.feeds()}
        self._worked: set[str] = set()  # doors whose lock's board has a host
        # banks whose board has a host; that of a bank at a bus is whoever works the bus
        self._banks_worked = {board.bank for bus in config.buses.values() for board in bus.boards}
        self._alarm: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Put every device that has a plug to its line. Raises OSError."""
        for scanner in self.scanners.values():
            scanner.plug()
        for relay in self.relays.values():
            relay.plug()
        for bus in self.buses.values():
            await bus.start()

    def stop(self) -> None:
        """Pull every plug and stop the clockwork."""
        for scanner in self.scanners.values():
            scanner.unplug()
        for relay in self.relays.values():
            relay.unplug()
        for bus in self.buses.values():
            bus.stop()
        for bank in self.banks.values():
            bank.unplug()
        if self._alarm is not None:
            self._alarm.cancel()

    def clock(self) -> int:
        """The building's monotonic clock, ms."""
        return self._clock_us() // 1_000

    def record(self, what: str, **facts: object) -> None:
        """Write down what happens at this moment."""
        self.observations.add(self.settle(), self._seen_us, what, **facts)

    def door(self, name: str) -> Door:
        """The door at this moment. Raises Refused if there is none of that name."""
        self.settle()
        if name not in self.doors:
            raise Refused(f"door: there is no {name!r}")
        return self.doors[name]

    def act(self, name: str, event: Event) -> Door:
        """Let something happen to a door now. Raises Refused if there is none of that name."""
        before = self.door(name)
        self.doors[name], changes = step(before, event, before.at_ms)
        for change in changes:
            self._publish(name, change)
        self._arm()
        return self.doors[name]

    def switch(self, line: str, on: bool) -> None:
        """Turn a switch that is no door's."""
        if self.switches[line] is on:
            return
        self.switches[line] = on
        self.record("switch", line=line, on=on)
        for listener in tuple(self.switch_listeners):
            listener(line, on)

    def settle(self) -> int:
        """Let time pass at every door; write down what it changed, in its order.

        Returns:
            The moment up to which time has passed, ms.
        """
        self._seen_us = self._clock_us()
        now_ms = self._seen_us // 1_000
        happened: list[tuple[str, Change]] = []
        for name, door in self.doors.items():
            self.doors[name], changes = step(door, Wait(), now_ms)
            happened += [(name, change) for change in changes]
        for name, change in sorted(happened, key=lambda each: each[1].at_ms):
            self._publish(name, change)
        self._arm()
        return now_ms

    def take_lock(self, name: str) -> LockType:
        """Give the lock's own board of a door to one host, until `leave_lock`. Raises Refused."""
        lock = self.door(name).lock
        if name in self._fed_by:
            raise Refused(f"door: the coil of {name!r} is fed by {self._fed_by[name]}")
        if name in self._worked:
            raise Refused(f"door: the lock of {name!r} has a host")
        self._worked.add(name)
        return lock

    def leave_lock(self, name: str) -> None:
        """The host of the lock's board is gone: its coil is de-energised."""
        self._worked.remove(name)
        self.act(name, Dark())

    def bank(self, name: str) -> Bank:
        """The bank of lockers of that name. Raises Refused."""
        if name not in self.banks:
            raise Refused(f"bank: there is no {name!r}")
        return self.banks[name]

    def take_bank(self, name: str) -> Bank:
        """Give a bank's board to one host, until `leave_bank`. Raises Refused."""
        bank = self.bank(name)
        if name in self._banks_worked:
            raise Refused(f"bank: {name!r} has a host")
        self._banks_worked.add(name)
        return bank

    def leave_bank(self, name: str) -> None:
        """The host of a bank's board is gone. Its pulses end by themselves."""
        self._banks_worked.remove(name)

    def has_contact(self, name: str) -> bool:
        """Whether the door has a contact."""
        return self._config.doors[name].contact

    def scanner(self, name: str) -> Scanner:
        """The scanner of that name. Raises Refused."""
        if name not in self.scanners:
            raise Refused(f"reader: there is no scanner {name!r}")
        return self.scanners[name]

    def bus(self, name: str) -> Bus:
        """The bus of that name. Raises Refused."""
        if name not in self.buses:
            raise Refused(f"bus: there is no {name!r}")
        return self.buses[name]

    def scan(self, reader: str, text: str) -> None:
        """Hold a code before a scanner or a simulated reader. Raises Refused: nobody read it."""
        data = text.encode()
        if reader in self.scanners:
            self._took(reader, sent=self.scanners[reader].scan(data))
        elif listeners := self.readers.get(reader):
            for report in tuple(listeners):
                report(text)
        else:
            raise Refused(f"reader: nobody listens to {reader!r}")
        self.record("scan", reader=reader, sha256=hashlib.sha256(data).hexdigest())

    def send(self, scanner: str, data: bytes) -> None:
        """Make a scanner send these bytes. Raises Refused: they went nowhere."""
        self._took(scanner, sent=self.scanner(scanner).tty.send(data))

    def _took(self, scanner: str, *, sent: bool) -> None:
        if not sent:
            raise Refused(f"reader: {scanner!r} is unplugged or its line is full")

    def show(self, camera: str, png: bytes, for_ms: int) -> None:
        """Hold a picture before a camera. Raises Refused."""
        if camera not in self.cameras:
            raise Refused(f"camera: there is no {camera!r}")
        try:
            self.cameras[camera].show(png, for_ms, self.clock())
        except BadPicture as error:
            raise Refused(str(error)) from error

    def light(self, name: str, signal: dict[str, object]) -> None:
        """Note what an indicator shows from now on."""
        self.signals[name] = signal
        self.record("indicator", name=name, **signal)

    def _feed(self, door: str, energised: bool) -> None:
        self.act(door, Coil(energised))

    def _note_locker(self, bank: str, what: str, channel: int, **facts: bool) -> None:
        self.record(what, bank=bank, channel=channel, **facts)
        if what == "locker":
            for listener in tuple(self.locker_listeners):
                listener(bank, channel, facts["open"])

    def _publish(self, name: str, change: Change) -> None:
        facts: dict[str, object] = {"door": name, _LEVEL[change.part]: change.level}
        if change.part is Part.DOOR:
            facts["forced"] = change.forced
        self.observations.add(change.at_ms, self._seen_us, change.part, **facts)
        for listener in tuple(self.level_listeners):
            listener(name, change)

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        moments = [door.due_ms for door in self.doors.values() if door.due_ms is not None]
        if moments:
            wait_ms = max(0, min(moments) - self.clock())
            self._alarm = asyncio.get_running_loop().call_later(wait_ms / 1000, self.settle)
