"""The settings file: what is wired to what on this device, and the ceilings.

Everything that differs between two sites is in one TOML file, read once at start; the
environment says nothing but where systemd put the secrets. How doors behave is the rules'
business. A file with faults is refused whole, with every fault named at once.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
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


Name = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{1,{limits.NAME_CHARS}}}$")]
AbsolutePath = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]
SocketPath = Annotated[AbsolutePath, AfterValidator(_socket)]
SerialPort = Annotated[str, AfterValidator(_port)]
GpioLine = Annotated[int, Field(ge=limits.GPIO_LINE[0], le=limits.GPIO_LINE[1])]
DebounceMs = Annotated[int, Field(ge=limits.DEBOUNCE_MS[0], le=limits.DEBOUNCE_MS[1])]
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
    port: SerialPort
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


AnyLock: TypeAlias = SimLock | RelayLock | GpioLock
AnyReader: TypeAlias = SimReader | LineScanner | EyeReader | KeyboardWedge


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
    contact: Annotated[AnyContact, Field(discriminator="kind")] | None = None
    exit_button: Annotated[AnyButton, Field(discriminator="kind")] | None = None
    bond: Annotated[AnyContact, Field(discriminator="kind")] | None = None
    tamper: Annotated[AnySafety, Field(discriminator="kind")] | None = None
    readers: Annotated[
        Mapping[Name, Annotated[AnyReader, Field(discriminator="kind")]],
        Field(min_length=1, max_length=limits.READERS_PER_DOOR),
    ]


class LockerBank(_Strict):
    """What a bank of lockers is wired to; `numbers`: each locker's channel of the board.

    `store` is the rules' name of where it stands: a locker's end that is given as a date is
    midnight there.
    """

    store: Name
    board: SimLockers
    numbers: Annotated[
        Mapping[Name, Annotated[int, Field(ge=1, le=limits.LOCKERS)]],
        Field(min_length=1, max_length=limits.LOCKERS),
    ]
    readers: Annotated[
        Mapping[Name, Annotated[AnyReader, Field(discriminator="kind")]],
        Field(max_length=limits.READERS_PER_DOOR),
    ] = {}


class HeaderPins(_Strict):
    """The header's real pins."""

    kind: Literal["header"] = "header"


class SimPins(_Strict):
    """Pins in a file, which guard nothing."""

    kind: Literal["sim"]
    file: AbsolutePath


class Clock(_Strict):
    """Whose word about the time counts (ARCHITECTURE, Time)."""

    trust: Annotated[ClockTrust, Field(strict=False)] = ClockTrust.KERNEL


class Settings(_Strict):
    """One device. `edged.settings_file.load` builds it and checks across its tables.

    `store_pepper` is a file of the secrets directory and is never in the settings file; it
    keys the hashes of refused codes and of lockers' PINs. `counters` are readers without a door.
    `gpio` are the pins of every device of that kind. `fire` and `lockdown_switch` hold for every
    door; `alarm_output` sounds while an alarm is up.
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
    gpio: Annotated[HeaderPins | SimPins, Field(discriminator="kind")] = HeaderPins()
    fire: Annotated[AnyFire, Field(discriminator="kind")] | None = None
    lockdown_switch: Annotated[AnySwitch, Field(discriminator="kind")] | None = None
    alarm_output: Annotated[AnyIndicator, Field(discriminator="kind")] | None = None
    doors: Annotated[Mapping[Name, Door], Field(min_length=1, max_length=limits.DOORS)]
    lockers: Annotated[Mapping[Name, LockerBank], Field(max_length=limits.LOCKER_BANKS)] = {}
    counters: Annotated[
        Mapping[Name, Annotated[AnyReader, Field(discriminator="kind")]],
        Field(max_length=limits.COUNTERS),
    ] = {}
    store_pepper: SecretStr | None = None

    @property
    def drives_locks(self) -> bool:
        """Whether a lock stands on a line of this computer's own header."""
        locks = (door.lock for door in self.doors.values())
        return isinstance(self.gpio, HeaderPins) and any(isinstance(one, GpioLock) for one in locks)

    @property
    def control_socket(self) -> Path:
        """Where the daemon listens for the CLI and the console."""
        return self.runtime_dir / "control.sock"
