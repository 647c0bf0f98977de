"""Which class drives which kind of device: a closed table.

A driver's module is imported when a configuration names its kind and not before, so a missing
system library stops only who needs it. edged.wiring is the only user.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from drivers.api import FireInput, Indicator, Input, Lock, LockerBoard, Reader

LOCKS: Final = MappingProxyType(
    {
        "gpio": "drivers.gpio_lines:GpioLock",
        "sim": "drivers.building:SimLock",
        "waveshare_relay": "drivers.waveshare_relay:RelayLock",
    }
)
READERS: Final = MappingProxyType(
    {
        "camera": "drivers.camera:EyeReader",
        "gm65": "drivers.gm65:Gm65Scanner",
        "honeywell": "drivers.honeywell:HoneywellScanner",
        "keyboard_wedge": "drivers.keyboard_wedge:KeyboardWedge",
        "serial_line": "drivers.serial_line:LineScanner",
        "sim": "drivers.building:SimReader",
        "ssi": "drivers.ssi:SsiScanner",
    }
)
INPUTS: Final = MappingProxyType(
    {
        "gpio": "drivers.gpio_inputs:GpioInput",
        "sim": "drivers.building:SimInput",
    }
)
FIRE_INPUTS: Final = MappingProxyType({"gpio": "drivers.gpio_lines:GpioFire"})
LOCKER_BOARDS: Final = MappingProxyType(
    {
        "board_8a": "drivers.locker_boards:Board8A",
        "kerong": "drivers.locker_boards:Kerong",
        "kerong_6x": "drivers.locker_boards:Kerong6x",
        "sim": "drivers.building:SimLockers",
        "waveshare_lockers": "drivers.locker_boards:WaveshareLockers",
        "winnsen": "drivers.locker_boards:Winnsen",
        "wkly": "drivers.locker_boards:Wkly",
    }
)
INDICATORS: Final = MappingProxyType(
    {
        "gpio": "drivers.gpio_lines:GpioIndicator",
        "sim": "drivers.building:SimIndicator",
    }
)


class UnknownKind(ValueError):
    """A configuration names a kind that no driver is for; the text lists those there are."""


def lock_class(kind: str) -> Callable[..., Lock]:
    """Return the class for locks of `kind`. Raises UnknownKind."""
    return _load("lock", LOCKS, kind)


def reader_class(kind: str) -> Callable[..., Reader]:
    """Return the class for readers of `kind`. Raises UnknownKind."""
    return _load("reader", READERS, kind)


def input_class(kind: str) -> Callable[..., Input]:
    """Return the class for inputs of `kind`. Raises UnknownKind."""
    return _load("input", INPUTS, kind)


def fire_input_class(kind: str) -> Callable[..., FireInput]:
    """Return the class for fire inputs of `kind`. Raises UnknownKind."""
    return _load("fire input", FIRE_INPUTS, kind)


def locker_board_class(kind: str) -> Callable[..., LockerBoard]:
    """Return the class for locker boards of `kind`. Raises UnknownKind."""
    return _load("locker board", LOCKER_BOARDS, kind)


def indicator_class(kind: str) -> Callable[..., Indicator]:
    """Return the class for indicators of `kind`. Raises UnknownKind."""
    return _load("indicator", INDICATORS, kind)


def locker_bench() -> Callable[..., Any]:
    """Return what opens a bus of locker boards for an installer (`drivers.locker_survey.bench`)."""
    found: Callable[..., Any] = import_module("drivers.locker_survey").bench
    return found


def _load(family: str, table: Mapping[str, str], kind: str) -> Callable[..., Any]:
    if kind not in table:
        known = ", ".join(sorted(table))
        raise UnknownKind(f"{family}: no driver for kind {kind!r}; known: {known}")
    module, _, name = table[kind].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
