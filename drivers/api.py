"""What every driver promises. Hardware words only: bytes, bolts, levels, lights.

A device is opened by `async with` and worked by `run`, one task a device, until it is
cancelled or the device is lost; then it may be opened and run again. Nothing here waits for
ever on hardware: each call has a limit in `drivers.limits` and ends in a DriverError.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self


class DriverError(Exception):
    """Something a device did or did not do. `device` is its name in the settings."""

    def __init__(self, device: str, problem: str) -> None:
        super().__init__(f"{device}: {problem}")
        self.device = device
        self.problem = problem


class DeviceMissing(DriverError):
    """The device can't be opened: not there, no permission, not what it should be."""


class DeviceLost(DriverError):
    """It was open and is gone, or answers no more. Open it again later."""


class DeviceRefused(DriverError):
    """It answered, and the answer was no. Nothing moved."""


class NotWanted(DriverError):
    """Its turn came when it was not wanted any more. Nothing was sent, nothing moved."""


Wanted = Callable[[], bool]
"""Whether an order still stands. A driver asks when nothing but the sending is left."""


def always() -> bool:
    """Say that an order stands, however long it waits for its turn."""
    return True


@contextmanager
def opening(device: str, where: str, leave: Callable[[], None]) -> Iterator[None]:
    """Make sure that a device is there; whatever goes wrong, it is left by `leave`.

    Args:
        device: For errors.
        where: What it is looked for at, for errors.
        leave: Closes what was opened.

    Raises:
        DeviceMissing: It gave no valid answer, or said no.
    """
    try:
        yield
    except (DeviceLost, DeviceRefused) as error:
        leave()
        raise DeviceMissing(device, f"{where}: {error.problem}") from error
    except BaseException:
        leave()
        raise


def heed(device: str, wanted: Wanted) -> None:
    """Ask whether an order still stands. Raises NotWanted."""
    if not wanted():
        raise NotWanted(device, "no longer wanted when its turn came")


@dataclass(frozen=True, slots=True)
class Scan:
    """One text that a reader read, without its terminator; at most `limits.SCAN_BYTES`.

    The text is somebody's key to a door: it never shows in a repr or a log.
    """

    text: bytes = field(repr=False)


class Light(StrEnum):
    """Colours that an indicator can show."""

    OFF = "off"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Tone(StrEnum):
    """Pitches that a sounder can make."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Signal:
    """What an indicator shows: `blinks` 0 = steady, else that many flashes, as many beeps.

    They fill `for_ms` evenly, each on for as long as it is off after: people tell outcomes apart
    by number and pace alone.

    `for_ms` 100..10_000, after which the indicator goes dark by itself. `lines` are for
    indicators with a display; others leave them out.
    """

    light: Light
    tone: Tone
    blinks: int
    for_ms: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """The computer's own pins: `header`, or `sim:PATH` of simulated ones.

    `runtime_dir` holds the line keeper's plan, which systemd's unit names; `state_dir` holds the
    fire latch, which has to outlive a power cut.
    """

    pins: str
    runtime_dir: Path
    state_dir: Path


class Device(Protocol):
    """What all kinds share."""

    @property
    def name(self) -> str:
        """The device's name in the settings, such as `front.lock`."""
        ...

    async def __aenter__(self) -> Self:
        """Open the device in its rest state. Raises DeviceMissing."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Leave the device in its rest state (de-energised) and close it. Never raises."""
        ...


class Reader(Device, Protocol):
    """Something that reads codes."""

    async def run(self, report: Callable[[Scan], None]) -> None:
        """Report each text once for every time it was read. Raises DeviceLost."""
        ...


class Input(Device, Protocol):
    """A line that is active or not: contact, exit button, tamper, fire."""

    async def run(self, report: Callable[[bool], None]) -> None:
        """Report the level at once and then each change. Raises DeviceLost."""
        ...


class FireInput(Input, Protocol):
    """A fire panel's contact with a latch, which stays set from the first fire until it is reset.

    The latch outlives restarts and power cuts, and leaves every magnet without power
    (ARCHITECTURE, invariant 4). A latch that is found set is reported as active, before the
    level is: nobody may have listened to that fire.
    """

    async def latch(self) -> None:
        """Set the latch as if the contact had been active. Raises DeviceLost."""
        ...

    async def reset(self) -> None:
        """End the latch.

        Raises:
            DeviceRefused: The contact is active still, or the disk is broken; nothing changed.
            DeviceLost: It may or may not have been reset.
        """
        ...


class Lock(Device, Protocol):
    """A bolt. The dangerous call can't be written: there is no "unlock for good"."""

    async def release(self, for_ms: int, wanted: Wanted = always) -> None:
        """Release the bolt for `for_ms` (1..60_000) milliseconds from now.

        Returns when the hardware has taken the order. The bolt is secured at the deadline by
        the board's own timer, or by whatever owns the line, even if this program is gone. A
        later call counts from its own moment and replaces the former deadline.

        Raises:
            ValueError: `for_ms` is out of range; nothing moved.
            NotWanted: It had to wait, and `wanted` says no now; nothing moved.
            DeviceRefused: the board answered no; nothing moved.
            DeviceLost: no valid answer in time; the bolt may or may not have moved.
        """
        ...

    async def secure(self) -> None:
        """Throw the bolt now. Idempotent. Raises DeviceLost or DeviceRefused."""
        ...

    async def run(self) -> None:
        """Keep what has to be kept (a magnet's hold, a line's health). Raises DeviceLost."""
        ...


@dataclass(frozen=True, slots=True)
class LockerLevel:
    """What a locker board says of one door; `channel` as `LockerBoard.pulse` counts."""

    channel: int
    open: bool


class LockerBoard(Device, Protocol):
    """A bank of lockers, its channels counted from 1. There is no "open all"."""

    @property
    def reports_doors(self) -> bool:
        """Whether it can tell an open door. True until it was first open: nothing is assumed."""
        ...

    async def pulse(self, channel: int, wanted: Wanted = always) -> None:
        """Release one locker, once, for as long as the board itself bounds it.

        Returns when the hardware has taken the order. Never sent twice by a driver: a second
        pulse is a second opening.

        Raises:
            ValueError: The board can't have such a channel; nothing moved.
            NotWanted: It had to wait, and `wanted` says no now; nothing moved.
            DeviceRefused: The board answered no; nothing moved.
            DeviceLost: No valid answer in time; the locker may or may not have been released.
        """
        ...

    async def run(self, report: Callable[[LockerLevel], None]) -> None:
        """Report every door at once and then each change. Raises DeviceLost.

        A board that can't tell (`reports_doors`) reports nothing.
        """
        ...


class Indicator(Device, Protocol):
    """A light, a sounder, a display, or all three."""

    async def show(self, signal: Signal) -> None:
        """Show `signal` from now on, in place of what is shown. Raises DeviceLost."""
        ...

    async def run(self) -> None:
        """Notice that the device is gone. Raises DeviceLost."""
        ...
