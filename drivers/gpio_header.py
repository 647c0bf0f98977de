"""The header's pins: all that the untyped GPIO libraries leave open, closed in one place.

What is done about each gap, and where it is known from (spec/hardware.md):

- The header is `gpiochip0` or `gpiochip4`, by board and kernel (6.1): the chip is found by its
  label.
- gpiozero falls back to another library with a warning (6.1): its factory is made here, for that
  chip, and nothing else ever is.
- gpiozero asks /proc for the board, which the unit hides (systemd/edged.service): the same number
  is read from /sys.
- gpiozero drives an output low before it drives it high (6.2): outputs are lgpio's own, which
  claims a line with its level.
- lgpio makes a FIFO in its working directory when it is imported, and moves the process there
  (6.3): it is given a folder, and the process is moved back.
- One exception in a callback ends lgpio's only thread, and every input is deaf (6.3): callbacks
  here raise nothing, and the levels are read beside them (drivers.gpio_inputs).
- lgpio.error is no OSError: here it becomes one.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Final, Literal, Protocol, cast

from drivers.line_keeper.protocol import Sense

LABELS: Final = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""Chips of the header: Pi 5; Pi 4; Pi 3 and older, Zero 2."""

_CHIPS: Final = range(32)
"""Numbers that are tried: a Pi 5 has fifteen chips, the header's first or fifth."""

_BOARD: Final = Path("/sys/firmware/devicetree/base/system/linux,revision")


class _Lgpio(Protocol):
    """What is used of lgpio. Each function raises its `error`."""

    error: type[Exception]
    SET_PULL_NONE: int
    SET_PULL_UP: int
    SET_PULL_DOWN: int

    def gpiochip_open(self, chip: int) -> int: ...
    def gpiochip_close(self, handle: int) -> None: ...
    def gpio_get_chip_info(self, handle: int) -> tuple[int, int, str, str]: ...
    def gpio_claim_output(self, handle: int, gpio: int, level: int) -> None: ...
    def gpio_claim_input(self, handle: int, gpio: int, flags: int) -> None: ...
    def gpio_write(self, handle: int, gpio: int, level: int) -> None: ...
    def gpio_read(self, handle: int, gpio: int) -> int: ...


class Chip:
    """The header's chip, for outputs that are at their level at once. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._lgpio = load(folder)
        with _as_os_error(self._lgpio):
            self._handle = self._lgpio.gpiochip_open(find_chip(self._lgpio))

    def claim_output(self, line: int, level: bool) -> None:
        """See Pins (drivers.line_keeper.pins)."""
        with _as_os_error(self._lgpio):
            self._lgpio.gpio_claim_output(self._handle, line, int(level))

    def claim_input(self, line: int, sense: Sense) -> None:
        """See Pins."""
        pull = self._lgpio.SET_PULL_NONE
        if Sense.PULL_UP in sense:
            pull = self._lgpio.SET_PULL_UP
        elif Sense.PULL_DOWN in sense:
            pull = self._lgpio.SET_PULL_DOWN
        with _as_os_error(self._lgpio):
            self._lgpio.gpio_claim_input(self._handle, line, pull)

    def write(self, line: int, level: bool) -> None:
        """See Pins."""
        with _as_os_error(self._lgpio):
            self._lgpio.gpio_write(self._handle, line, int(level))

    def read(self, line: int) -> bool:
        """See Pins."""
        with _as_os_error(self._lgpio):
            return bool(self._lgpio.gpio_read(self._handle, line))


class ChipInput:
    """An input of the header by gpiozero; `heard` is told each change of its level.

    It is called on lgpio's thread. Whatever it raises ends there. A level counts when it has
    lasted for `debounce_ms`.

    Raises:
        OSError: The line can't be taken.
    """

    def __init__(
        self,
        folder: Path,
        line: int,
        sense: Sense,
        debounce_ms: int,
        heard: Callable[[bool], None],
    ) -> None:
        self._lgpio = load(folder)
        zero = import_module("gpiozero")
        _wake(self._lgpio, folder)

        def told(level: bool) -> Callable[[], None]:
            def tell() -> None:
                with suppress(BaseException):  # it would end the thread of every input
                    heard(level)

            return tell

        pull_up = True if Sense.PULL_UP in sense else False if Sense.PULL_DOWN in sense else None
        try:
            self._device = zero.DigitalInputDevice(
                line,
                pull_up=pull_up,
                active_state=True if pull_up is None else None,
                bounce_time=debounce_ms / 1000 or None,
                pin_factory=_factory(folder),
            )
        except Exception as error:
            raise OSError(f"line {line}: {error}") from error
        high_is_active = pull_up is not True
        self._high_is_active = high_is_active
        self._device.when_activated = told(high_is_active)
        self._device.when_deactivated = told(not high_is_active)
        self._line = line
        self._thread = _thread(self._lgpio)

    def read(self) -> bool:
        """Read the level of the pin.

        Raises OSError: it can't be read, or lgpio's thread has died since the line was claimed.
        A new one does not know the line, so not even a press that is over is ever heard again.
        """
        if not self._thread.is_alive() or _thread(self._lgpio) is not self._thread:
            raise OSError(f"line {self._line} is deaf: lgpio's thread has ended")
        with _as_os_error(self._lgpio):
            return bool(self._device.is_active) == self._high_is_active

    def close(self) -> None:
        """Let go of the line, and never touch it again.

        lgpio may refuse ("GPIO busy") while its own thread still lets go. gpiozero would try again
        when the device is collected, and take the line from who has opened it since: it is deaf.
        """
        with suppress(self._lgpio.error):
            self._device.close()
        vars(self._device)["_pin"] = None


def sense_of(normally: Literal["open", "closed"], pull: Literal["up", "down", "none"]) -> Sense:
    """Say how a contact reads that is active when it is not as it normally is.

    It is wired between the pin and ground, and with `pull` down between the pin and 3.3 V.
    """
    low = (normally == "open") == (pull != "down")
    pulled = {"up": Sense.PULL_UP, "down": Sense.PULL_DOWN, "none": Sense(0)}[pull]
    return pulled | (Sense.ACTIVE_LOW if low else Sense(0))


def load(folder: Path) -> _Lgpio:
    """Import lgpio, its FIFO in `folder`, and stay where we are. Raises OSError."""
    folder.mkdir(exist_ok=True)
    os.environ["LG_WD"] = str(folder)
    here = Path.cwd()
    try:
        return cast("_Lgpio", import_module("lgpio"))
    except ImportError as error:
        raise OSError(f"lgpio: {error}") from error
    finally:
        os.chdir(here)


def find_chip(lgpio: _Lgpio) -> int:
    """Find the number of the header's chip by its label. Raises OSError."""
    seen = []
    for number in _CHIPS:
        with suppress(lgpio.error):  # there is none of that number, or it is not for us
            handle = lgpio.gpiochip_open(number)
            _, _, _, label = lgpio.gpio_get_chip_info(handle)
            lgpio.gpiochip_close(handle)
            if label in LABELS:
                return number
            seen.append(label)
    raise OSError(f"no GPIO chip of a Raspberry Pi's header, only {seen}")


@contextmanager
def _as_os_error(lgpio: _Lgpio) -> Iterator[None]:
    try:
        yield
    except lgpio.error as error:
        raise OSError(str(error)) from error


def _wake(lgpio: _Lgpio, folder: Path) -> None:
    """Start lgpio's thread again if an exception has ended it."""
    if _thread(lgpio).is_alive():
        return
    parts = vars(lgpio)
    here = Path.cwd()
    os.chdir(folder)  # where it opens its FIFO
    try:
        parts["_notify_thread"] = parts["_callback_thread"]()
    finally:
        os.chdir(here)


def _thread(lgpio: _Lgpio) -> Thread:
    thread: Thread = vars(lgpio)["_notify_thread"]
    return thread


@cache
def _factory(folder: Path) -> object:
    """Make the one factory of this process. Raises OSError."""
    lgpio, pins = load(folder), import_module("gpiozero.pins.lgpio")
    made = type("HeaderFactory", (pins.LGPIOFactory,), {"_get_revision": lambda _: _revision()})
    with _as_os_error(lgpio):
        factory: object = made(chip=find_chip(lgpio))
    return factory


def _revision() -> int:
    """Read the board's revision code, by which gpiozero knows its pins. Raises OSError."""
    with suppress(FileNotFoundError):
        return int.from_bytes(_BOARD.read_bytes()[:4], "big")
    code: int = import_module("gpiozero.pins.local").get_pi_revision()
    return code
