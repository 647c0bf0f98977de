"""The devices of the settings file: for each kind, the fields that its driver takes.

A device's table has its driver's arguments by their names; ranges are in `edged.limits`.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from edged import limits


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
GpioLine = Annotated[int, Field(ge=limits.GPIO_LINE[0], le=limits.GPIO_LINE[1])]
DebounceMs = Annotated[int, Field(ge=limits.DEBOUNCE_MS[0], le=limits.DEBOUNCE_MS[1])]
BusPort = Annotated[str, AfterValidator(_bus_port)]
BusBaud = Annotated[int, AfterValidator(_bus_baud)]
Bit = Annotated[int, Field(ge=0, le=1)]
Baud = Annotated[int, Field(ge=limits.BAUD[0], le=limits.BAUD[1])]


class Strict(BaseModel):
    """A table in which every key is known and has its type."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class DeviceSettings(Strict):
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


class GpioDevice(DeviceSettings):
    """A device at the computer's own header; its driver is also given the header."""

    kind: Literal["gpio"]


class GpioLock(GpioDevice):
    """A bolt behind one line, by a relay or a transistor."""

    line: GpioLine
    active_low: bool = False


class GpioContact(GpioDevice):
    """A contact, closed while the door is."""

    line: GpioLine
    normally: Literal["open", "closed"] = "closed"
    pull: Literal["up", "down", "none"] = "up"
    debounce_ms: DebounceMs = 50


class GpioButton(GpioContact):
    """An exit button: a make contact."""

    normally: Literal["open", "closed"] = "open"
    debounce_ms: DebounceMs = 80


class GpioSafety(GpioContact):
    """A tamper switch or a fire panel's contact: a cut wire is an alarm as well."""

    debounce_ms: DebounceMs = 250


class GpioIndicator(GpioDevice):
    """Two lamps, or one of two colours, and perhaps an active buzzer."""

    red: GpioLine
    green: GpioLine
    buzzer: GpioLine | None = None
    active_low: bool = False


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


AnyContact: TypeAlias = SimInput | GpioContact
AnyButton: TypeAlias = SimInput | GpioButton
AnySafety: TypeAlias = SimInput | GpioSafety
AnyFire: TypeAlias = GpioSafety | SimSwitch
AnySwitch: TypeAlias = GpioButton | SimSwitch
AnyInput: TypeAlias = SimInput | SimSwitch | GpioContact
AnyIndicator: TypeAlias = SimIndicator | GpioIndicator


class ReaderSettings(DeviceSettings):
    """What all readers share: the light and sounder beside them."""

    indicator: Annotated[AnyIndicator, Field(discriminator="kind")] | None = None


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


class Gm65Scanner(ReaderSettings):
    """A GROW GM65 or Newland EM3095 scanner, kept in the mode that is named."""

    kind: Literal["gm65"]
    port: SerialPort
    baud: Baud = 9_600
    mode: Literal["continuous", "sense"] = "continuous"


class TalkingScanner(ReaderSettings):
    """A Honeywell scanner that is triggered by command, or one that speaks Zebra's SSI."""

    kind: Literal["honeywell", "ssi"]
    port: SerialPort
    baud: Baud = 9_600


class EyeReader(ReaderSettings):
    """A camera, read by `edged-eye`, which listens at `socket`."""

    kind: Literal["camera"]
    socket: SocketPath


class KeyboardWedge(ReaderSettings):
    """A scanner that pretends to be a USB keyboard."""

    kind: Literal["keyboard_wedge"]
    path: Annotated[str, AfterValidator(_port)]
    usb_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")] | None = None


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


class Kerong6x(DeviceSettings):
    """A KERONG board with the 6x frame. `hook_closed_bit` as for `KerongBoard`."""

    kind: Literal["kerong_6x"]
    port: BusPort
    baud: BusBaud = 19_200
    address: Annotated[int, Field(ge=0, le=limits.KERONG_ADDRESS)] = 0
    locks: Annotated[int, Field(ge=1, le=limits.KERONG_6X_LOCKS)] = 48
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


class WklyBoard(DeviceSettings):
    """A board of the WKLY kind."""

    kind: Literal["wkly"]
    port: BusPort
    baud: BusBaud = 9_600
    address: Annotated[int, Field(ge=0, le=limits.WKLY_ADDRESS)] = 0
    locks: Annotated[int, Field(ge=1, le=limits.WKLY_LOCKS)] = 24


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


AnyLock: TypeAlias = SimLock | RelayLock | GpioLock
AnyReader: TypeAlias = (
    SimReader | LineScanner | Gm65Scanner | TalkingScanner | EyeReader | KeyboardWedge
)
AnyBoard: TypeAlias = Annotated[
    SimLockers | KerongBoard | Kerong6x | WinnsenBoard | Board8A | WklyBoard | WaveshareLockers,
    Field(discriminator="kind"),
]
