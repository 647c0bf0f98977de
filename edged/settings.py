"""The settings file: what is wired to what on this device, and the ceilings.

Everything that differs between two sites is in one TOML file, read once at start; the
environment says nothing but where systemd put the secrets. How doors behave is the rules'
business. A file with faults is refused whole, with every fault named at once.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from edged import limits


class LockType(StrEnum):
    """What a bolt does without power: a strike stays locked, a magnet lets go."""

    STRIKE = "strike"
    MAGNET = "magnet"


class Egress(StrEnum):
    """The way out that needs no software (ARCHITECTURE, invariant 1)."""

    MECHANICAL = "mechanical"
    WIRED_BUTTON = "wired_button"


class ClockTrust(StrEnum):
    """Who says that the clock is right: the kernel's NTP status, or the host of this system."""

    KERNEL = "kernel"
    HOST = "host"


class Language(StrEnum):
    """Languages that members can be shown."""

    JA = "ja"
    KO = "ko"
    EN = "en"


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    if len(str(path)) > limits.PATH_CHARS or "\0" in str(path):
        raise ValueError("is not a path")
    return path


def _socket(path: Path) -> Path:
    if len(os.fsencode(path)) > limits.SOCKET_PATH_BYTES:
        raise ValueError(f"a socket's path has at most {limits.SOCKET_PATH_BYTES} bytes")
    return path


def _some(languages: tuple[Language, ...]) -> tuple[Language, ...]:
    if not languages:
        raise ValueError("needs at least one language")
    if len(set(languages)) < len(languages):
        raise ValueError("names a language twice")
    return languages


def _port(port: str) -> str:
    _absolute(Path(port))
    return port


def _bus_port(port: str) -> str:
    if not port.startswith("tcp://"):
        return _port(port)
    try:
        place = urlsplit(port)
        if place.hostname and place.port and place.netloc == port.removeprefix("tcp://"):
            return port
    except ValueError:
        pass
    raise ValueError("has to be tcp://host:port, or the path of a serial port")


def _bus_baud(baud: int) -> int:
    if baud not in limits.BUS_BAUDS:
        raise ValueError(f"must be one of {', '.join(map(str, limits.BUS_BAUDS))}")
    return baud


Name = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{1,{limits.NAME_CHARS}}}$")]
AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]
SocketPath = Annotated[AbsolutePath, AfterValidator(_socket)]
SerialPort = Annotated[str, AfterValidator(_port)]
BusPort = Annotated[str, AfterValidator(_bus_port)]
BusBaud = Annotated[int, AfterValidator(_bus_baud)]
Bit = Annotated[int, Field(ge=0, le=1)]
Baud = Annotated[int, Field(ge=limits.BAUD[0], le=limits.BAUD[1])]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class DeviceSettings(_Strict):
    """What all devices share. `optional`: the daemon starts without it."""

    optional: bool = False

    def arguments(self) -> dict[str, object]:
        """Give the keyword arguments of the driver's constructor, beside the name."""
        own = {"kind", "optional", "indicator"}
        return {name: getattr(self, name) for name in type(self).model_fields if name not in own}


class SimLock(DeviceSettings):
    """A bolt in the virtual building."""

    kind: Literal["sim"]
    socket: SocketPath
    door: Name


class RelayLock(DeviceSettings):
    """A bolt at one channel of a Waveshare Modbus RTU relay board."""

    kind: Literal["waveshare_relay"]
    port: BusPort
    baud: Baud = 9_600
    address: Annotated[int, Field(ge=limits.MODBUS_ADDRESS[0], le=limits.MODBUS_ADDRESS[1])] = 1
    channel: Annotated[int, Field(ge=limits.RELAY_CHANNEL[0], le=limits.RELAY_CHANNEL[1])]


class SimInput(DeviceSettings):
    """A line of a door in the virtual building."""

    kind: Literal["sim"]
    socket: SocketPath
    door: Name
    line: Literal["contact", "button", "bond", "tamper"]


class SimSwitch(DeviceSettings):
    """A line of no door in the virtual building."""

    kind: Literal["sim"]
    socket: SocketPath
    line: Literal["fire", "lockdown"]


class SimIndicator(DeviceSettings):
    """A light and sounder in the virtual building."""

    kind: Literal["sim"]
    socket: SocketPath
    indicator: Name

    def arguments(self) -> dict[str, object]:
        """Give the keyword arguments; this device's own `indicator` is one of them."""
        return {"socket": self.socket, "indicator": self.indicator}


class ReaderSettings(DeviceSettings):
    """What all readers share: the light and sounder beside them."""

    indicator: SimIndicator | None = None


class SimReader(ReaderSettings):
    """A scanner in the virtual building."""

    kind: Literal["sim"]
    socket: SocketPath
    reader: Name


class LineScanner(ReaderSettings):
    """A serial scanner that sends one line a code."""

    kind: Literal["serial_line"]
    port: SerialPort
    baud: Baud = 9_600
    terminator: Annotated[
        str,
        StringConstraints(
            min_length=1, max_length=limits.TERMINATOR_CHARS, pattern=r"^[\x00-\x7f]+$"
        ),
    ] = "\r"


class EyeReader(ReaderSettings):
    """A camera, read by `edged-eye`, which listens at `socket`."""

    kind: Literal["camera"]
    socket: SocketPath


class SimLockers(DeviceSettings):
    """The board of a bank of lockers in the virtual building."""

    kind: Literal["sim"]
    socket: SocketPath
    bank: Name

    @property
    def locks(self) -> int:
        """How many it may have; the building knows."""
        return limits.LOCKERS


class KerongBoard(DeviceSettings):
    """A KERONG CU board. `hook_closed_bit` is found out with one door: there is no default."""

    kind: Literal["kerong"]
    port: BusPort
    baud: BusBaud = 19_200
    address: Annotated[int, Field(ge=0, le=limits.KERONG_ADDRESS)] = 0
    locks: Annotated[int, Field(ge=1, le=limits.KERONG_LOCKS)] = 16
    hook_closed_bit: Bit


class WinnsenBoard(DeviceSettings):
    """A Winnsen station."""

    kind: Literal["winnsen"]
    port: BusPort
    baud: BusBaud = 9_600
    address: Annotated[int, Field(ge=0, le=limits.WINNSEN_STATION)] = 1
    locks: Annotated[int, Field(ge=1, le=limits.WINNSEN_LOCKS)] = 16


class Board8A(DeviceSettings):
    """A generic 8A/80 board. `hook_closed_bit` as for `KerongBoard`."""

    kind: Literal["board_8a"]
    port: BusPort
    baud: BusBaud = 9_600
    address: Annotated[int, Field(ge=1, le=limits.ADDRESS_8A)] = 1
    locks: Annotated[int, Field(ge=1, le=limits.LOCKS_8A)] = 24
    hook_closed_bit: Bit


class WaveshareLockers(DeviceSettings):
    """A Waveshare relay board that feeds the coils of lockers, and knows nothing of doors."""

    kind: Literal["waveshare_lockers"]
    port: BusPort
    baud: BusBaud = 9_600
    address: Annotated[int, Field(ge=limits.MODBUS_ADDRESS[0], le=limits.MODBUS_ADDRESS[1])] = 1
    locks: Annotated[int, Field(ge=1, le=limits.WAVESHARE_LOCKS)] = 8
    pulse_ms: Annotated[int, Field(ge=limits.LOCKER_PULSE_MS[0], le=limits.LOCKER_PULSE_MS[1])] = (
        500
    )


AnyLock: TypeAlias = SimLock | RelayLock
AnyReader: TypeAlias = SimReader | LineScanner | EyeReader
AnyBoard: TypeAlias = Annotated[
    SimLockers | KerongBoard | WinnsenBoard | Board8A | WaveshareLockers,
    Field(discriminator="kind"),
]


class Door(_Strict):
    """What one door is wired to. `max_pulse_ms` is the ceiling of what the rules may ask.

    `continuous`: the lock's coil bears current for hours, so the door may stand open by the
    rules' hours; a magnet always may. `bond` is active while the bolt holds, `tamper` while
    somebody is at what must stay closed.
    """

    type: Annotated[LockType, Field(strict=False)]
    egress: Annotated[Egress | None, Field(strict=False)] = None
    max_pulse_ms: Annotated[int, Field(ge=limits.PULSE_MS[0], le=limits.PULSE_MS[1])] = 20_000
    continuous: bool = False
    lock: Annotated[AnyLock, Field(discriminator="kind")]
    contact: SimInput | None = None
    exit_button: SimInput | None = None
    bond: SimInput | None = None
    tamper: SimInput | None = None
    readers: Annotated[
        Mapping[Name, Annotated[AnyReader, Field(discriminator="kind")]],
        Field(min_length=1, max_length=limits.READERS_PER_DOOR),
    ]


class LockerBank(_Strict):
    """What a bank of lockers is wired to; `numbers`: each locker's channel of its boards.

    The channels of `more_boards` count on after those of `board`, in their order. `store` is the
    rules' name of where it stands: a locker's end that is given as a date is midnight there.
    `stagger_ms`: between two pulses when all of them are released, for the boards' current.
    """

    store: Name
    board: AnyBoard
    more_boards: Annotated[
        tuple[AnyBoard, ...], Field(max_length=limits.BOARDS_PER_BANK - 1, strict=False)
    ] = ()
    stagger_ms: Annotated[int, Field(ge=limits.STAGGER_MS[0], le=limits.STAGGER_MS[1])] = 500
    numbers: Annotated[
        Mapping[Name, Annotated[int, Field(ge=1, le=limits.LOCKERS)]],
        Field(min_length=1, max_length=limits.LOCKERS),
    ]
    readers: Annotated[
        Mapping[Name, Annotated[AnyReader, Field(discriminator="kind")]],
        Field(max_length=limits.READERS_PER_DOOR),
    ] = {}

    @property
    def boards(self) -> Mapping[int, AnyBoard]:
        """Every board, by the channel of its first lock."""
        first, found = 1, {}
        for board in (self.board, *self.more_boards):
            found[first] = board
            first += board.locks
        return found

    @model_validator(mode="after")
    def _channels_are_there(self) -> Self:
        *_, (first, last) = self.boards.items()
        count = first + last.locks - 1
        for locker, channel in self.numbers.items():
            if channel > count:
                raise ValueError(f"numbers: {locker} has channel {channel} of {count}")
        return self


class Clock(_Strict):
    """Whose word about the time counts (ARCHITECTURE, Time)."""

    trust: Annotated[ClockTrust, Field(strict=False)] = ClockTrust.KERNEL


class Settings(_Strict):
    """One device. `edged.settings_file.load` builds it and checks across its tables.

    `store_pepper` is a file of the secrets directory and is never in the settings file; it
    keys the hashes of refused codes and of lockers' PINs. `counters` are readers without a door.
    `fire` and `lockdown_switch` hold for every door; `alarm_output` sounds while an alarm is up.
    """

    device: Name
    state_dir: AbsolutePath = Path("/var/lib/edged")
    runtime_dir: AbsolutePath = Path("/run/edged")
    secrets_dir: AbsolutePath | None = None
    allow_simulated: bool = False
    language: Annotated[
        tuple[Annotated[Language, Field(strict=False)], ...],
        Field(strict=False),
        AfterValidator(_some),
    ] = (Language.JA, Language.EN)
    clock: Clock = Clock()
    fire: SimSwitch | None = None
    lockdown_switch: SimSwitch | None = None
    alarm_output: SimIndicator | None = None
    doors: Annotated[Mapping[Name, Door], Field(min_length=1, max_length=limits.DOORS)]
    lockers: Annotated[Mapping[Name, LockerBank], Field(max_length=limits.LOCKER_BANKS)] = {}
    counters: Annotated[
        Mapping[Name, Annotated[AnyReader, Field(discriminator="kind")]],
        Field(max_length=limits.COUNTERS),
    ] = {}
    store_pepper: SecretStr | None = None

    @property
    def control_socket(self) -> Path:
        """Where the daemon listens for the CLI and the console."""
        return self.runtime_dir / "control.sock"
