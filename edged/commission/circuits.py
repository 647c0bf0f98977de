"""What has to be wired to what, by the settings: circuits of terminals and what is between. Pure.

Source: spec/hardware.md 6.2 (pins at boot), 9.2 and 9.3 (ways out, coils, fire); the numbers of the
40-pin header are Raspberry Pi's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from edged.commission import plan
from edged.settings.devices import (
    AnyBoard,
    AnyIndicator,
    AnyInput,
    AnyReader,
    GpioContact,
    GpioIndicator,
    GpioLock,
    RelayLock,
    SimLockers,
)
from edged.settings.model import Door, Egress, LockerBank, LockType, Settings

PIN: Final[Mapping[int, int]] = {
    0: 27, 1: 28, 2: 3, 3: 5, 4: 7, 5: 29, 6: 31, 7: 26, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32,
    13: 33, 14: 8, 15: 10, 16: 36, 17: 11, 18: 12, 19: 35, 20: 38, 21: 40, 22: 15, 23: 16, 24: 18,
    25: 22, 26: 37, 27: 13,
}  # fmt: skip
"""The header's pin of each line, by its BCM number."""
GROUNDS: Final = (6, 9, 14, 20, 25, 30, 34, 39)
V3: Final = (1, 17)
V5: Final = (2, 4)
PULLED_UP: Final = 8
"""Lines up to this one are pulled up until software runs, those above it down."""
_HEADER: Final = "Raspberry Pi header"
_SUPPLY: Final = "Lock supply 12/24 V DC"


class Wire(Enum):
    """What a wire carries, which is its colour."""

    PLUS = auto()
    MINUS = auto()
    SIGNAL = auto()
    BUS = auto()


class Shape(Enum):
    """How a part is drawn."""

    FUSE = auto()
    BREAK = auto()
    """A contact that is closed while all is well."""
    MAKE = auto()
    """A contact that is open while all is well."""
    RESISTOR = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """Something in a wire: what it is, and what there is to know of it."""

    shape: Shape
    name: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One wire, from a terminal of one device to a terminal of another, with what is in it."""

    wire: Wire
    left: tuple[str, str]
    right: tuple[str, str]
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Circuit:
    """Wires that belong together. `diode`: one stands across the first two, its ring to the first.

    `ends`: 120 Ω across the first two, at the last board of a long line.
    """

    title: str
    rungs: tuple[Rung, ...] = ()
    notes: tuple[str, ...] = ()
    diode: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One drawing: of a door, or of a bank's boards."""

    name: str
    title: str
    circuits: tuple[Circuit, ...]


def sheets(settings: Settings) -> Iterator[Sheet]:
    """Draw up a sheet for every door and every bank, and one for what is no door's if any is."""
    for name, door in settings.doors.items():
        yield Sheet(f"door-{name}", f"Door {name}: {door.type.value}", tuple(_door(name, door)))
    for name, bank in settings.lockers.items():
        yield Sheet(f"bank-{name}", f"Locker bank {name}", tuple(_bank(name, bank)))
    common = (
        *_input("fire panel", settings.fire),
        *_input("lockdown switch", settings.lockdown_switch),
        *_light("alarm output", settings.alarm_output),
        *_readers(settings.counters),
    )
    if common:
        yield Sheet("device", f"Device {settings.device}", common)


def pins(settings: Settings) -> Mapping[int, str]:
    """Say what stands on which pin of the header, by the pin's number."""
    devices: list[tuple[str, object]] = [
        ("fire", settings.fire),
        ("lockdown switch", settings.lockdown_switch),
        ("alarm output", settings.alarm_output),
    ]
    readers = dict(settings.counters)
    for name, door in settings.doors.items():
        inputs = (door.lock, door.contact, door.exit_button, door.bond, door.tamper)
        words = ("lock", "contact", "exit button", "bond", "tamper")
        devices += [(f"{name} {word}", device) for word, device in zip(words, inputs, strict=True)]
        readers |= door.readers
    for bank in settings.lockers.values():
        readers |= bank.readers
    devices += [(name, reader.indicator) for name, reader in readers.items()]
    found: dict[int, str] = {}
    for name, device in devices:
        if isinstance(device, GpioLock | GpioContact):
            found[PIN[device.line]] = name
        elif isinstance(device, GpioIndicator):
            found |= {PIN[line]: f"{name} {lamp}" for lamp, line in _lamps(device)}
    return found


def _pin(line: int) -> tuple[str, str]:
    return _HEADER, f"pin {PIN[line]} · GPIO {line}"


def _ground() -> tuple[str, str]:
    return _HEADER, f"pin {GROUNDS[0]} · GND"


def _door(name: str, door: Door) -> Iterator[Circuit]:
    yield from _lock(name, door)
    yield from _input("door contact", door.contact)
    yield from _input("exit button, heard by software", door.exit_button)
    yield from _input("bond sensor of the lock", door.bond)
    yield from _input("tamper switch", door.tamper)
    yield from _readers(door.readers)


def _lock(name: str, door: Door) -> Iterator[Circuit]:
    lock, magnet = door.lock, door.type is LockType.MAGNET
    match lock:
        case RelayLock():
            moved = Part(Shape.MAKE, "COM · NO", f"board {lock.address}, relay {lock.channel}")
        case GpioLock():
            moved = Part(Shape.MAKE, "COM · NO", "relay module")
        case _:
            yield Circuit("Lock", notes=("Simulated: nothing is wired, and nothing is guarded.",))
            return
    cut: list[Part] = []
    if magnet:
        cut.append(Part(Shape.BREAK, "fire panel", "opens on fire"))
    if door.egress is Egress.WIRED_BUTTON:
        cut.append(Part(Shape.BREAK, "way-out button", "opens ≥ 30 s"))
    coil = f"{'Magnet' if magnet else 'Strike'} of {name}"
    plus = (Part(Shape.FUSE, "fuse", "coil's current"), *cut, moved)
    yield Circuit(
        "Lock",
        (
            Rung(Wire.PLUS, (_SUPPLY, "+"), (coil, "+"), plus),
            Rung(Wire.MINUS, (_SUPPLY, "0 V"), (coil, "0 V")),
        ),
        tuple(_lock_notes(door)),
        diode=True,
    )
    yield _bus_of(lock) if isinstance(lock, RelayLock) else _line_of(lock)


def _lock_notes(door: Door) -> Iterator[str]:
    yield "Diode 1N4007 across the coil, at the lock, its ring towards plus. Not for an AC coil."
    yield f"The way out needs no software: a person gets out {plan.way_out(door)}."
    if door.type is LockType.MAGNET:
        yield "The fire panel's own contact cuts the magnet's supply, whatever the computer does."
    if door.type is LockType.MAGNET and isinstance(door.lock, RelayLock):
        yield "This board only pulses and holds no magnet: take a line of the header (kind gpio)."


def _bus_of(lock: RelayLock) -> Circuit:
    board = f"Relay board {lock.address}"
    return Circuit(
        "RS-485 to the relay board",
        tuple(_bus_rungs(board, lock.port)),
        (
            f"{lock.port}, {lock.baud} baud, address {lock.address}.",
            "The board stands on the safe side of the door, and has a supply of its own.",
        ),
        ends=True,
    )


def _bus_rungs(board: str, port: str) -> Iterator[Rung]:
    end = "TCP converter" if port.startswith("tcp://") else "RS-485 adapter"
    for terminal in ("A", "B", "GND"):
        wire = Wire.MINUS if terminal == "GND" else Wire.BUS
        yield Rung(wire, (end, terminal), (board, terminal))


def _line_of(lock: GpioLock) -> Circuit:
    level = "low" if lock.active_low else "high"
    notes = [f"A {level} line gives power. The module takes 3.3 V; no coil hangs on a pin."]
    if lock.active_low is not (lock.line <= PULLED_UP):
        pulled = "up" if lock.line <= PULLED_UP else "down"
        notes.append(f"GPIO {lock.line} is pulled {pulled} at boot: the relay may pull in then.")
    return Circuit(
        "Line to the relay module",
        (
            Rung(Wire.PLUS, (_HEADER, f"pin {V5[0]} · 5 V"), ("Relay module", "VCC")),
            Rung(Wire.SIGNAL, _pin(lock.line), ("Relay module", "IN")),
            Rung(Wire.MINUS, _ground(), ("Relay module", "GND")),
        ),
        tuple(notes),
    )


def _input(title: str, device: AnyInput | None) -> Iterator[Circuit]:
    if device is None:
        return
    title = title[0].upper() + title[1:]
    if not isinstance(device, GpioContact):
        yield Circuit(title, notes=("Simulated: nothing is wired.",))
        return
    shape = Shape.BREAK if device.normally == "closed" else Shape.MAKE
    other = (_HEADER, f"pin {V3[0]} · 3.3 V") if device.pull == "down" else _ground()
    notes = [f"Free of voltage, {device.normally} while all is well; {device.debounce_ms} ms."]
    if device.pull == "none":
        notes.append("10 kΩ from the pin to 3.3 V: its own resistor is off.")
    part = Part(shape, "contact", f"normally {device.normally}")
    yield Circuit(title, (Rung(Wire.SIGNAL, _pin(device.line), other, (part,)),), tuple(notes))


def _readers(readers: Mapping[str, AnyReader]) -> Iterator[Circuit]:
    for name, reader in readers.items():
        told = reader.model_dump(include={"port", "baud", "path", "socket"}, exclude_none=True)
        said = ", ".join(f"{key} {value}" for key, value in told.items())
        yield Circuit(f"Reader {name}", notes=(f"{reader.kind}: {said}",))
        yield from _light(f"light of {name}", reader.indicator)


def _light(title: str, light: AnyIndicator | None) -> Iterator[Circuit]:
    if not isinstance(light, GpioIndicator):
        return
    title = title[0].upper() + title[1:]
    far = f"pin {V3[0]} · 3.3 V" if light.active_low else f"pin {GROUNDS[0]} · GND"
    rungs = tuple(
        Rung(
            Wire.SIGNAL,
            _pin(line),
            (_HEADER, far),
            (Part(Shape.RESISTOR, "330 Ω", f"and {lamp}"),)
            if lamp != "buzzer"
            else (Part(Shape.MAKE, "transistor", "and buzzer"),),
        )
        for lamp, line in _lamps(light)
    )
    yield Circuit(title, rungs, ("More than 8 mA, or more than 3.3 V: by a transistor.",))


def _lamps(light: GpioIndicator) -> Iterator[tuple[str, int]]:
    yield "red", light.red
    yield "green", light.green
    if light.buzzer is not None:
        yield "buzzer", light.buzzer


def _bank(name: str, bank: LockerBank) -> Iterator[Circuit]:
    at = {channel: locker for locker, channel in bank.numbers.items()}
    for n, (first, board) in enumerate(bank.boards.items(), start=1):
        title = f"Board {n}: {board.kind}"
        used = {at[c]: c - first + 1 for c in range(first, first + board.locks) if c in at}
        yield _board(title, f"{name} board {n}", board, used)
    yield from _readers(bank.readers)


def _board(title: str, board: str, told: AnyBoard, used: Mapping[str, int]) -> Circuit:
    if isinstance(told, SimLockers):
        return Circuit(title, notes=("Simulated: nothing is wired.",))
    supply = "Board supply"
    rungs = (
        *_bus_rungs(board, told.port),
        Rung(Wire.PLUS, (supply, "+"), (board, "+"), (Part(Shape.FUSE, "fuse", "4 A"),)),
        Rung(Wire.MINUS, (supply, "0 V"), (board, "0 V")),
    )
    settings = told.model_dump(include={"port", "baud", "address"})
    said = ", ".join(f"{key} {value}" for key, value in settings.items())
    locks = ", ".join(f"{locker} at lock {lock}" for locker, lock in used.items())
    more = "Boards of one port hang on one pair, one after another."
    return Circuit(title, rungs, (f"{said}.", f"{locks}.", more), ends=True)
