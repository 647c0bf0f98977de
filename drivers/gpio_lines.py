"""What stands on output lines of the header (kind "gpio"): locks, lights, sounders; and fire.

All are clients of the line keeper, which alone owns the lines and ends every order by itself
(drivers/line_keeper/README.md). Each beats while its `run` is at work.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

from drivers import limits
from drivers.api import (
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    DriverError,
    Header,
    Light,
    Signal,
    Tone,
    Wanted,
    always,
    heed,
)
from drivers.gpio_header import sense_of
from drivers.line_keeper import client
from drivers.line_keeper.limits import BLINKS, DEBOUNCE_MS, HOLD_MS, LINES
from drivers.line_keeper.protocol import Fire, Kind, Use

_LIT: Final = {
    Light.OFF: set[str](),
    Light.GREEN: {"green"},
    Light.AMBER: {"red", "green"},
    Light.RED: {"red"},
}


@dataclass(frozen=True, slots=True)
class _Claim:
    """What brings a line to rest: CLAIM or WATCH, and its arguments."""

    kind: Kind
    a: int
    b: int


class _OnLines:
    """What the devices share: a place at the line keeper.

    `claims`: what each line is claimed as.
    """

    def __init__(self, name: str, header: Header, claims: Mapping[int, _Claim]) -> None:
        for line in claims:
            if line not in LINES:
                raise ValueError(f"a line must be 0..{LINES[-1]}, got {line}")
        self._name = name
        self._header = header
        self._claims = claims
        self._joined: client.Keeper | None = None

    @property
    def name(self) -> str:
        """See Device."""
        return self._name

    async def __aenter__(self) -> Self:
        """See Device."""
        self._joined = await client.join(self._name, self._header)
        try:
            await self._claim()
        except (DeviceLost, DeviceRefused) as error:
            await self._leave()
            raise DeviceMissing(self._name, f"{self._header.pins}: {error.problem}") from error
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See Device."""
        if self._joined is None:
            return
        try:
            with suppress(DriverError):  # a keeper that is lost leaves its lines at rest
                await self._claim()
        finally:
            await self._leave()

    async def _claim(self) -> None:
        """Have the lines at rest, whatever was ordered."""
        for line, claim in self._claims.items():
            await self._ask(claim.kind, line, claim.a, claim.b)

    async def _ask(self, kind: Kind, line: int, a: int = 0, b: int = 0) -> None:
        await self._keeper.ask(self._name, kind, line=line, a=a, b=b)

    @property
    def _keeper(self) -> client.Keeper:
        if self._joined is None:
            raise DeviceLost(self._name, "not open")
        return self._joined

    async def _leave(self) -> None:
        if self._joined is not None:
            keeper, self._joined = self._joined, None
            await client.leave(self._header, keeper)


class GpioLock(_OnLines):
    """Lock (drivers.api): a strike or a magnet behind one line.

    A magnet is only held while `run` is at work, and not while the fire latch is set.

    Args:
        name: In the settings, such as `front.lock`.
        line: BCM number, 0..27.
        active_low: A low line gives power.
        magnet: It is locked with power and not without.
        header: Whose line it is.

    Raises:
        ValueError: There is no such line.
    """

    def __init__(
        self, name: str, *, line: int, active_low: bool = False, magnet: bool, header: Header
    ) -> None:
        use = Use.MAGNET if magnet else Use.STRIKE
        super().__init__(name, header, {line: _Claim(Kind.CLAIM, use, active_low)})
        self._line = line
        self._magnet = magnet

    async def release(self, for_ms: int, wanted: Wanted = always) -> None:
        """See Lock."""
        if for_ms not in limits.RELEASE_MS:
            raise ValueError(f"for_ms must be 1..60000, got {for_ms}")
        heed(self._name, wanted)
        await self._ask(Kind.PULSE, self._line, for_ms)

    async def secure(self) -> None:
        """See Lock."""
        await self._ask(Kind.END, self._line)

    async def run(self) -> None:
        """See Lock."""
        while True:
            if self._magnet:
                await self._ask(Kind.HOLD, self._line, HOLD_MS)
            else:
                await self._ask(Kind.ALIVE, 0)
            await self._keeper.beat(self._name)


class GpioIndicator(_OnLines):
    """Indicator (drivers.api): two lamps or a two-coloured one, amber by both; a buzzer.

    The buzzer is an active one, so both tones sound alike. What is not there is not shown.

    Args:
        name: In the settings, such as `front-in.indicator`.
        red: BCM number of the red lamp's line.
        green: Of the green one's.
        buzzer: Of the buzzer's, None: there is none.
        active_low: A low line gives power.
        header: Whose lines they are.

    Raises:
        ValueError: There is no such line.
    """

    def __init__(
        self,
        name: str,
        *,
        red: int,
        green: int,
        buzzer: int | None = None,
        active_low: bool = False,
        header: Header,
    ) -> None:
        self._parts = {"red": red, "green": green}
        if buzzer is not None:
            self._parts["buzzer"] = buzzer
        claim = _Claim(Kind.CLAIM, Use.LAMP, active_low)
        super().__init__(name, header, dict.fromkeys(self._parts.values(), claim))

    async def show(self, signal: Signal) -> None:
        """See Indicator.

        Raises:
            ValueError: `for_ms` or `blinks` is out of range; nothing is shown.
            DeviceRefused: The keeper said no.
        """
        if signal.for_ms not in limits.SIGNAL_MS:
            raise ValueError(f"for_ms must be 100..10000, got {signal.for_ms}")
        if signal.blinks and signal.blinks not in BLINKS:
            raise ValueError(f"blinks must be 0..{BLINKS[-1]}, got {signal.blinks}")
        lit = _LIT[signal.light] | ({"buzzer"} if signal.tone is not Tone.NONE else set())
        for part, line in self._parts.items():
            if part in lit:
                await self._ask(Kind.SHOW, line, signal.for_ms, signal.blinks)
            else:
                await self._ask(Kind.END, line)

    async def run(self) -> None:
        """See Indicator."""
        while True:
            await self._ask(Kind.ALIVE, 0)
            await self._keeper.beat(self._name)


class GpioFire(_OnLines):
    """FireInput (drivers.api): a line that the keeper watches itself, with or without a daemon.

    Args:
        name: In the settings, `fire`.
        line: BCM number, 0..27.
        normally: What the contact is while there is no fire. Closed to ground, so that a cut
            wire is a fire as well.
        pull: The pin's own resistor.
        debounce_ms: How long a level has to stay, 0..2000.
        header: Whose line it is.

    Raises:
        ValueError: One of them is out of range; it is named.
    """

    def __init__(
        self,
        name: str,
        *,
        line: int,
        normally: Literal["open", "closed"] = "closed",
        pull: Literal["up", "down", "none"] = "up",
        debounce_ms: int = 250,
        header: Header,
    ) -> None:
        if debounce_ms not in DEBOUNCE_MS:
            raise ValueError(f"debounce_ms must be 0..{DEBOUNCE_MS[-1]}, got {debounce_ms}")
        sense = sense_of(normally, pull)
        super().__init__(name, header, {line: _Claim(Kind.WATCH, debounce_ms, sense)})

    async def run(self, report: Callable[[bool], None]) -> None:
        """See FireInput."""
        await self._ask(Kind.ALIVE, 0)
        said = Fire.LATCHED in self._keeper.fire
        report(said)
        while True:
            active = Fire.ACTIVE in self._keeper.fire
            if active != said:
                said = active
                report(said)
            await self._keeper.beat(self._name)
            await self._ask(Kind.ALIVE, 0)

    async def latch(self) -> None:
        """See FireInput."""
        await self._ask(Kind.FIRE, 0)

    async def reset(self) -> None:
        """See FireInput."""
        await self._ask(Kind.RESET, 0)
