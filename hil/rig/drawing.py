"""The bench as a drawing: every wire between the two headers, the cables, the supply."""

from collections.abc import Iterator
from typing import Final

from edged.commission.circuits import PIN, Circuit, Part, Rung, Shape, Sheet, Wire
from edged.commission.drawing import draw
from hil.machine.harness import Coil, Contact, Lamps
from hil.machine.site import wires

POWER_LINE: Final = 4
"""Of the example's file: free on both headers."""
_RIG: Final = "The rig's header"
_DEVICE: Final = "The device's header"
_CABLES: Final = ("front-in", "front-out", "hall-in", "the lockers' bus")


def drawing() -> str:
    """Draw it, as SVG."""
    return draw(Sheet("rig", "Two Raspberry Pis, back to back", (_lines(), _serial(), _power())))


def _lines() -> Circuit:
    ground = Rung(Wire.MINUS, (_RIG, "GND, pin 6"), (_DEVICE, "GND, pin 6"))
    return Circuit(
        "Header to header: the same pin on both sides",
        (ground, *(_straight(line, told) for line, told in sorted(_told()))),
        (
            "Each wire has its own resistor: whatever is set wrongly on either side, 3.3 mA flow.",
            "Nothing else is joined: no 3.3 V, no 5 V.",
        ),
    )


def _told() -> Iterator[tuple[int, str]]:
    for wire in wires():
        match wire:
            case Coil(door, line):
                yield line, f"lock of {door}"
            case Contact(what, line, door):
                yield line, f"{what} of {door}" if door else what
            case Lamps(name, red, green):
                yield red, f"{name}, red"
                yield green, f"{name}, green"


def _straight(line: int, told: str) -> Rung:
    terminal = f"GPIO {line}, pin {PIN[line]}"
    resistor = Part(Shape.RESISTOR, "1 kΩ", told)
    return Rung(Wire.SIGNAL, (_RIG, terminal), (_DEVICE, terminal), (resistor,))


def _serial() -> Circuit:
    def crossed(name: str) -> Iterator[Rung]:
        rig, device = f"Rig: {name}", f"Device: {name}"
        yield Rung(Wire.BUS, (rig, "TX"), (device, "RX"))
        yield Rung(Wire.BUS, (rig, "RX"), (device, "TX"))
        yield Rung(Wire.MINUS, (rig, "GND"), (device, "GND"))

    return Circuit(
        "Serial: a USB adapter at each end, crossed",
        tuple(rung for name in _CABLES for rung in crossed(name)),
        ("Adapters of 3.3 V. The lockers' bus may as well be two of RS-485, A to A and B to B.",),
    )


def _power() -> Circuit:
    cut = Part(Shape.BREAK, "relay, NC", f"GPIO {POWER_LINE} of the rig")
    return Circuit(
        "The device's supply, through a relay that the rig can open",
        (
            Rung(Wire.PLUS, ("5 V supply", "+"), ("The device's USB-C", "+"), (cut,)),
            Rung(Wire.MINUS, ("5 V supply", "-"), ("The device's USB-C", "-")),
        ),
        ("At rest the relay's contact is closed: a rig that is off leaves the device on.",),
    )
