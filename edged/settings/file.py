"""Reading the settings file: all of it, or everything that is wrong with it at once."""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edged import limits
from edged.settings.model import LockType, Settings

SECRETS: Final = frozenset({"store_pepper"})
"""Settings that are files of the secrets directory and never in the settings file."""
_PARTS: Final = {
    "doors": {"lock", "contact", "exit_button", "bond", "tamper"},
    "lockers": {"board"},
}
"""The tables of a door and of a bank that are devices, beside their readers."""
_OWN: Final = {"gpio", "fire", "lockdown_switch", "alarm_output"}
"""The tables of the device itself that are devices."""
_AT_A_BUS: Final = {
    "waveshare_relay": (9_600, 1),
    "waveshare_lockers": (9_600, 1),
    "kerong": (19_200, 0),
    "kerong_6x": (19_200, 0),
    "winnsen": (9_600, 1),
    "board_8a": (9_600, 1),
    "wkly": (9_600, 0),
}
"""The kinds that may share a port, with the speed and the address that each has by itself."""
_ALONE: Final = {
    **dict.fromkeys(("gm65", "honeywell", "serial_line", "ssi"), "port"),
    "keyboard_wedge": "path",
}
"""The kinds that share with nobody what this field names."""
_BARE: Final = re.compile("[A-Za-z0-9_-]+")

_Fault = tuple[str, str]
_Found = tuple[tuple[str, ...], dict[str, object]]


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """One thing that is wrong. `key` is dotted as in the file, empty for the file itself."""

    file: Path
    key: str
    message: str

    def __str__(self) -> str:
        """Say it in one line."""
        return ": ".join(filter(None, (str(self.file), self.key, self.message)))


class SettingsRefused(Exception):
    """The settings can't be used."""

    def __init__(self, faults: Sequence[SettingsFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def load(path: Path) -> Settings | list[SettingsFault]:
    """Read a settings file, and the secrets that belong to it.

    The secrets are files in $CREDENTIALS_DIRECTORY, or in `secrets_dir` where systemd gave none.

    Returns:
        The settings, or everything that is wrong with them. Never raises for what a file holds.
    """
    table = _read(path)
    if isinstance(table, str):
        return [SettingsFault(path, "", table)]
    found = [*_across(table), *_secrets(table)]
    settings = None
    try:
        settings = Settings.model_validate(table)
    except ValidationError as errors:
        found += [_explain(table, error) for error in errors.errors(include_input=False)]
    if settings is None or found:
        return [SettingsFault(path, key, message) for key, message in found]
    return settings


def require(path: Path) -> Settings:
    """Read a settings file that has to be right. Raises SettingsRefused."""
    loaded = load(path)
    if isinstance(loaded, Settings):
        return loaded
    raise SettingsRefused(loaded)


def _read(path: Path) -> dict[str, object] | str:
    """Read the file's tables, or say why that can't be done."""
    try:
        with path.open("rb") as file:
            data = file.read(limits.SETTINGS_BYTES + 1)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if len(data) > limits.SETTINGS_BYTES:
        return f"has more than {limits.SETTINGS_BYTES} bytes"
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (at byte {error.start})"
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        return f"is not TOML: {error}"


def _secrets(table: dict[str, object]) -> Iterator[_Fault]:
    """Put the secrets into the table; a secret that stands there already is a fault."""
    for name in SECRETS & table.keys():
        del table[name]
        yield name, "is a secret: put it into a file of the secrets directory"
    directory = os.environ.get("CREDENTIALS_DIRECTORY") or table.get("secrets_dir")
    if not isinstance(directory, str):
        return
    from edged.settings import secret_files  # noqa: PLC0415 - a slow import that most commands can spare

    try:
        table.update(secret_files.read(Path(directory)))
    except secret_files.SecretsUnreadable as error:
        yield "secrets_dir", str(error)


def _across(table: Mapping[str, object]) -> Iterator[_Fault]:
    """Check what no table can know alone, on plain data: a fault elsewhere hides nothing."""
    devices = list(_devices(table))
    if table.get("allow_simulated") is not True:
        for loc, device in devices:
            if device.get("kind") == "sim":
                yield _dotted((*loc, "kind")), "a simulated device needs allow_simulated = true"
    yield from _shared(devices)
    yield from _lockers(table)
    yield from _counters(table)
    readers: dict[str, str] = {}
    for door, fields in _tables(table.get("doors")):
        if fields.get("type") == LockType.MAGNET and "egress" not in fields:
            yield (
                _dotted(("doors", door, "egress")),
                "a magnet needs a way out that needs no software: mechanical or wired_button",
            )
        for reader, _ in _tables(fields.get("readers")):
            other = readers.setdefault(reader, door)
            if other != door:
                key = _dotted(("doors", door, "readers", reader))
                yield key, f"is a reader of door {other} already"


def _lockers(table: Mapping[str, object]) -> Iterator[_Fault]:
    """Check that a locker, a channel of a board and a reader are each named once."""
    held = {
        f"reader {reader}": f"door {door}"
        for door, fields in _tables(table.get("doors"))
        for reader, _ in _tables(fields.get("readers"))
    }
    for bank, fields in _tables(table.get("lockers")):
        numbers, named = fields.get("numbers"), f"bank {bank}"
        claims = [
            ("readers", name, f"reader {name}", named) for name, _ in _tables(fields.get("readers"))
        ]
        for locker, channel in numbers.items() if isinstance(numbers, dict) else ():
            claims.append(("numbers", locker, f"locker {locker}", named))
            claims.append(("numbers", locker, f"channel {channel} of {named}", f"locker {locker}"))
        for part, name, what, holder in claims:
            other = held.setdefault(what, holder)
            if other != holder:
                yield _dotted(("lockers", bank, part, name)), f"{what} is that of {other} already"


def _counters(table: Mapping[str, object]) -> Iterator[_Fault]:
    """Check that a counter's reader is no other place's as well."""
    held = {
        reader: owner
        for section in _PARTS
        for owner, fields in _tables(table.get(section))
        for reader, _ in _tables(fields.get("readers"))
    }
    for reader, _ in _tables(table.get("counters")):
        if reader in held:
            yield _dotted(("counters", reader)), f"is a reader of {held[reader]} already"


def _tables(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    if isinstance(value, dict):
        yield from ((str(name), one) for name, one in value.items() if isinstance(one, dict))


def _devices(table: Mapping[str, object]) -> Iterator[_Found]:
    """Find every device table, whatever else is wrong."""
    yield from (((name,), device) for name, device in _tables(table) if name in _OWN)
    for section, parts in _PARTS.items():
        for owner, fields in _tables(table.get(section)):
            for name, device in _tables(fields):
                if name in parts:
                    yield (section, owner, name), device
            more = fields.get("more_boards")
            for n, board in enumerate(more if isinstance(more, list) else ()):
                if isinstance(board, dict):
                    yield (section, owner, "more_boards", str(n)), board
            yield from _readers((section, owner, "readers"), fields.get("readers"))
    yield from _readers(("counters",), table.get("counters"))


def _readers(above: tuple[str, ...], readers: object) -> Iterator[_Found]:
    """Find the readers of one place, and the lights beside them."""
    for name, device in _tables(readers):
        yield (*above, name), device
        lights = (one for part, one in _tables(device) if part == "indicator")
        yield from (((*above, name, "indicator"), light) for light in lights)


def _shared(devices: Sequence[_Found]) -> Iterator[_Fault]:
    """Find two devices in one place: a relay channel, a serial port, a simulated line."""
    held: dict[tuple[str, ...], str] = {}
    for loc, device in devices:
        key = _dotted(loc)
        for place, holder in _places(key, device):
            other = held.setdefault(place, holder)
            if other != holder:
                yield key, f"shares {' '.join(place)} with {other}"


def _places(key: str, device: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Name the places that a device takes, and in whose name: boards may share their port."""
    port, kind = str(device.get("port")), str(device.get("kind"))
    baud, address = _AT_A_BUS.get(kind, (0, 0))
    board = ("port", port, "address", str(device.get("address", address)))
    if kind in _AT_A_BUS:
        yield ("port", port), f"boards at {device.get('baud', baud)} baud"
    match kind:
        case "waveshare_relay":
            yield (*board, "channel", str(device.get("channel"))), key
        case "waveshare_lockers":
            for channel in range(1, limits.WAVESHARE_LOCKS + 1):
                yield (*board, "channel", str(channel)), key
        case "kerong" | "kerong_6x" | "winnsen" | "board_8a" | "wkly":
            yield (*board, "kind", kind), key
        case "gpio":
            for name in ("line", "red", "green", "buzzer"):
                if name in device:
                    yield ("GPIO line", str(device[name])), f"{key}.{name}"
        case _ if kind in _ALONE:
            yield (_ALONE[kind], str(device.get(_ALONE[kind]))), key
        case _:
            names = ("socket", "door", "line", "reader", "indicator", "bank", "file")
            ids = [f"{name} {device[name]}" for name in names if isinstance(device.get(name), str)]
            yield (kind, *ids), key


_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a setting",
    "union_tag_not_found": "needs a kind",
}


def _explain(table: dict[str, object], error: ErrorDetails) -> _Fault:
    """Say pydantic's error in the file's own words."""
    message = _MESSAGES.get(error["type"])
    if message is None:
        message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return _dotted(_in_file(table, error["loc"])), message


def _in_file(table: dict[str, object], loc: Sequence[str | int]) -> Iterator[str]:
    """Leave out of a location what is not in the file: chosen kinds, and `[key]`."""
    node: object = table
    tag = None
    for part in loc:
        if part in (tag, "[key]"):
            tag = None
            continue
        yield str(part)
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int):
            node = node[part]
        tag = node.get("kind") if isinstance(node, dict) else None


def _dotted(loc: Iterable[str]) -> str:
    """Spell a key as TOML would."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part) for part in loc)
