"""The pins behind the lines: those of the header, or simulated ones that guard nothing."""

from pathlib import Path
from typing import Final, Protocol

from drivers.gpio_header import Chip
from drivers.line_keeper.protocol import Sense
from drivers.line_keeper.sim_pins import SimPins

HEADER: Final = "header"
SIM: Final = "sim:"


class Pins(Protocol):
    """What the keeper does with pins, by their BCM numbers. Every call raises OSError."""

    def claim_output(self, line: int, level: bool) -> None:
        """Take a pin as an output that is at `level` from its first moment."""
        ...

    def claim_input(self, line: int, sense: Sense) -> None:
        """Take a pin as an input."""
        ...

    def write(self, line: int, level: bool) -> None:
        """Drive a claimed output."""
        ...

    def read(self, line: int) -> bool:
        """Read the level of a claimed input."""
        ...


def open_pins(which: str, folder: Path) -> Pins:
    """Open `header`, or `sim:PATH`; what the GPIO library leaves behind comes into `folder`.

    Raises:
        OSError: They are not there, or there are no such pins.
    """
    if which == HEADER:
        return Chip(folder)
    if which.startswith(SIM):
        return SimPins(Path(which.removeprefix(SIM)))
    raise OSError(f"{which}: no such pins")
