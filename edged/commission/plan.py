"""Which steps a device has, by its settings. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from edged.commission.words import Kind, Step
from edged.settings.devices import SimLockers
from edged.settings.model import Door, Egress, LockType, Settings

CHECKS = ("files", "secrets", "disk", "clock", "power", "rules", "broker", "devices", "journal")
"""The looks of the doctor's that are steps."""


@dataclass(frozen=True, slots=True)
class Board:
    """A locker board at a bus, and the locker that its first connected lock is.

    `closed_bit`: how it says that a hook is closed; None: its protocol leaves no choice.
    `tells`: whether it says anything of its doors.
    """

    locker: str
    closed_bit: int | None
    tells: bool


def steps(settings: Settings) -> tuple[Step, ...]:
    """Give every step, in the order in which an installer goes about it.

    The power cut comes last.
    """
    return tuple(
        chain(
            (Step(Kind.BOARD, name) for name in boards(settings)),
            (Step(Kind.CHECK, name) for name in CHECKS),
            chain.from_iterable(_of_door(name, door) for name, door in settings.doors.items()),
            (Step(Kind.READER, name) for name in readers(settings)),
            (Step(Kind.FIRE, "panel"),) if settings.fire is not None else (),
            (Step(Kind.DARK, name) for name in settings.doors),
            (Step(Kind.POWER_CUT, settings.device),),
        )
    )


def _of_door(name: str, door: Door) -> Iterator[Step]:
    yield Step(Kind.SECURE, name)
    yield Step(Kind.LOCK, name)
    if door.contact is not None:
        yield Step(Kind.CONTACT, name)
    if door.exit_button is not None:
        yield Step(Kind.BUTTON, name)
    yield Step(Kind.FROZEN, name)


def boards(settings: Settings) -> Mapping[str, Board]:
    """Give the boards that are at a bus, by name, each with one of its lockers."""
    found = {}
    for bank, lockers in settings.lockers.items():
        at = {channel: locker for locker, channel in lockers.numbers.items()}
        for n, (first, board) in enumerate(lockers.boards.items(), start=1):
            used = [channel for channel in sorted(at) if first <= channel < first + board.locks]
            if isinstance(board, SimLockers) or not used:
                continue
            name = f"{bank}.board" if n == 1 else f"{bank}.board{n}"
            bit = getattr(board, "hook_closed_bit", None)
            tells = board.kind != "waveshare_lockers"
            found[name] = Board(at[used[0]], bit, tells)
    return found


def readers(settings: Settings) -> tuple[str, ...]:
    """Name every reader: of the doors, of the banks, of the counters."""
    doors = chain.from_iterable(door.readers for door in settings.doors.values())
    banks = chain.from_iterable(bank.readers for bank in settings.lockers.values())
    return (*doors, *banks, *settings.counters)


def way_out(door: Door) -> str:
    """Say how a person gets out at a door without any software."""
    match door.egress, door.type:
        case Egress.MECHANICAL, _:
            return "by the handle"
        case Egress.WIRED_BUTTON, _:
            return "by the button that cuts the magnet's power"
        case None, LockType.STRIKE:
            return "by the handle, or whatever there is"
        case None, LockType.MAGNET:  # refused by the settings
            return "by whatever there is"
