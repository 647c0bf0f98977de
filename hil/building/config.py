"""The building's configuration: a TOML file, read once at start (README.md)."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hil.building import limits
from hil.building.door import LockType

Name = Annotated[str, Field(pattern=rf"^[a-z0-9][a-z0-9_.-]{{0,{limits.NAME_CHARS - 1}}}$")]
Side = Annotated[int, Field(ge=limits.CAMERA_SIDE_PX[0], le=limits.CAMERA_SIDE_PX[1])]


class ConfigFault(Exception):
    """The configuration can't be used. The text names the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DoorConfig(_Strict):
    """One door and how it is built."""

    lock: LockType
    contact: bool = True
    opens_after_ms: Annotated[int, Field(ge=0, le=limits.OPENS_AFTER_MS)] = 50
    jammed: bool = False
    way_out: bool = True


class ScannerConfig(_Strict):
    """One serial scanner. `terminator` is that of family `line`, which hears nothing."""

    link: Path
    family: Literal["line", "gm65", "honeywell", "ssi", "gm67"] = "line"
    terminator: Annotated[str, Field(min_length=1, max_length=2)] = "\r"


class RelayConfig(_Strict):
    """One Waveshare relay board and the doors whose coils it feeds, by channel 1..8."""

    link: Path
    address: Annotated[int, Field(ge=1, le=247)] = 1
    channels: dict[Annotated[int, Field(ge=1, le=limits.RELAY_CHANNELS)], Name]


class CameraConfig(_Strict):
    """One MJPEG camera."""

    width: Side = 640
    height: Side = 480
    fps: Annotated[int, Field(ge=1, le=limits.CAMERA_FPS)] = 15


class LockersConfig(_Strict):
    """One bank of lockers, its channels counted from 1."""

    count: Annotated[int, Field(ge=1, le=limits.LOCKERS)]
    reports_doors: bool = True
    opens_after_ms: Annotated[int, Field(ge=0, le=limits.OPENS_AFTER_MS)] = 50
    springs: bool = True
    jammed: frozenset[int] = frozenset()

    @model_validator(mode="after")
    def _jammed_are_there(self) -> Self:
        if missing := [channel for channel in self.jammed if not 1 <= channel <= self.count]:
            raise ValueError(f"jammed: there is no locker {min(missing)}")
        return self


class BoardConfig(_Strict):
    """One board at a bus: its lock 1 is the bank's channel `first`.

    Which keys a make has is its own business; the others stay at what they are.
    """

    kind: Literal["kerong", "kerong_6x", "winnsen", "board_8a", "wkly", "waveshare_lockers"]
    address: Annotated[int, Field(ge=0, le=255)]
    bank: Name
    first: Annotated[int, Field(ge=1, le=limits.LOCKERS)] = 1
    locks: Annotated[int, Field(ge=1, le=limits.BOARD_LOCKS)]
    hook_closed_bit: Annotated[int, Field(ge=0, le=1)] = 1
    end_mark: bool = False
    other_codes: bool = False
    tells_unasked: bool = False
    look_ms: Annotated[int, Field(ge=0, le=limits.OPENS_AFTER_MS)] = 300
    busy_ms: Annotated[int, Field(ge=0, le=limits.OPENS_AFTER_MS)] = 0


class BusConfig(_Strict):
    """One RS-485 bus: at a pseudo-terminal, or behind a TCP converter on 127.0.0.1."""

    link: Path | None = None
    tcp: Annotated[int, Field(ge=0, le=65_535)] = 0
    echo: bool = False
    boards: Annotated[list[BoardConfig], Field(min_length=1, max_length=limits.BUS_BOARDS)]


class Config(_Strict):
    """The whole building. Paths are relative to the file until `load` has made them absolute."""

    socket: Path
    log: Path
    doors: dict[Name, DoorConfig] = {}
    scanners: dict[Name, ScannerConfig] = {}
    relays: dict[Name, RelayConfig] = {}
    cameras: dict[Name, CameraConfig] = {}
    lockers: dict[Name, LockersConfig] = {}
    buses: dict[Name, BusConfig] = {}

    def feeds(self) -> Iterator[tuple[str, str]]:
        """Every relay channel in use, as the key in the file, with the door that it feeds."""
        for name, relay in self.relays.items():
            for channel, door in relay.channels.items():
                yield f"relays.{name}.channels.{channel}", door

    @model_validator(mode="after")
    def _coils_have_one_feed(self) -> Self:
        fed: dict[str, str] = {}
        for key, door in self.feeds():
            if door not in self.doors:
                raise ValueError(f"{key}: there is no door {door!r}")
            if door in fed:
                raise ValueError(f"{key}: the coil of {door!r} is already fed by {fed[door]}")
            fed[door] = key
        return self

    @model_validator(mode="after")
    def _locks_have_one_board(self) -> Self:
        fed: dict[tuple[str, int], str] = {}
        for name, bus in self.buses.items():
            for n, board in enumerate(bus.boards):
                key = f"buses.{name}.boards.{n}"
                bank = self.lockers.get(board.bank)
                channels = range(board.first, board.first + board.locks)
                if bank is None or channels[-1] > bank.count:
                    raise ValueError(f"{key}: bank {board.bank!r} has no such lockers")
                for channel in channels:
                    other = fed.setdefault((board.bank, channel), key)
                    if other != key:
                        raise ValueError(f"{key}: locker {channel} is worked by {other}")
        return self

    @model_validator(mode="after")
    def _paths_differ(self) -> Self:
        used: dict[Path, str] = {}
        paths = [("socket", self.socket), ("log", self.log)]
        paths += [(f"scanners.{name}.link", each.link) for name, each in self.scanners.items()]
        paths += [(f"relays.{name}.link", each.link) for name, each in self.relays.items()]
        paths += [
            (f"buses.{name}.link", each.link) for name, each in self.buses.items() if each.link
        ]
        for key, path in paths:
            if path in used:
                raise ValueError(f"{key}: {used[path]} has the same path")
            used[path] = key
        return self


def fault_text(error: ValidationError) -> str:
    """The first problem of `error` in one line, with the key that it is about."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    problem = first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in first["loc"])
    return f"{key}: {problem}" if key else problem


def load(path: Path) -> Config:
    """Read and check the configuration file.

    Raises:
        ConfigFault: it can't be read, is not TOML, or a key is missing, unknown or wrong.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigFault(f"{path}: {error}") from error
    try:
        # By way of JSON: strict about types, yet a key of a table may be a number there.
        config = Config.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        raise ConfigFault(f"{path}: {fault_text(error)}") from error
    return _placed(config, path.resolve().parent)


def _placed(config: Config, folder: Path) -> Config:
    placed = {
        "scanners": _linked(config.scanners, folder),
        "relays": _linked(config.relays, folder),
        "buses": _linked(config.buses, folder),
    }
    places = {"socket": folder / config.socket, "log": folder / config.log}
    return config.model_copy(update={**places, **placed})


def _linked(
    devices: Mapping[str, ScannerConfig | RelayConfig | BusConfig], folder: Path
) -> dict[str, BaseModel]:
    """The devices with absolute links, where they have one."""
    return {
        name: each.model_copy(update={"link": each.link and folder / each.link})
        for name, each in devices.items()
    }
