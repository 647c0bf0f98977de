"""The settings file: what is wired to what on this device, and the ceilings.

Everything that differs between two sites is in one TOML file, read once at start; the
environment says nothing but where systemd put the secrets. How doors behave is the rules'
business. A file with faults is refused whole, with every fault named at once.
"""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    model_validator,
)

from edged import limits
from edged.settings.devices import (
    AbsolutePath,
    AnyBoard,
    AnyButton,
    AnyContact,
    AnyFire,
    AnyIndicator,
    AnyLock,
    AnyReader,
    AnySafety,
    AnySwitch,
    GpioLock,
    Name,
    Strict,
)


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


def _some(languages: tuple[Language, ...]) -> tuple[Language, ...]:
    if not languages:
        raise ValueError("needs at least one language")
    if len(set(languages)) < len(languages):
        raise ValueError("names a language twice")
    return languages


def _address(text: str) -> str:
    return str(ip_address(text))


class Door(Strict):
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


class LockerBank(Strict):
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


class HeaderPins(Strict):
    """The header's real pins."""

    kind: Literal["header"] = "header"


class SimPins(Strict):
    """Pins in a file, which guard nothing."""

    kind: Literal["sim"]
    file: AbsolutePath


class Clock(Strict):
    """Whose word about the time counts (ARCHITECTURE, Time)."""

    trust: Annotated[ClockTrust, Field(strict=False)] = ClockTrust.KERNEL


class Broker(Strict):
    """The tenant's cloud: its broker, and the files by which each knows the other.

    The certificate's common name is `device`; without files of one the device has what `edged
    provision` got. What the cloud may say is not settled here: that is in the trust that an
    installer pins.
    """

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65_535)] = 8_883
    tenant: Name
    ca_file: AbsolutePath
    certificate_file: AbsolutePath | None = None
    key_file: AbsolutePath | None = None
    enrol_port: Annotated[int, Field(ge=1, le=65_535)] = 8_884

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        return self


class Console(Strict):
    """The web pages for staff and installers, a process of its own (edged/console).

    `user`: the system's user that it runs as, who is let in at the control socket. Without
    `tls` it listens on the loopback only. `folder` has its users and its certificate.
    """

    host: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8443
    tls: bool = True
    user: Name | None = None
    folder: AbsolutePath = Path("/var/lib/edged-console")

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        if not self.tls and not ip_address(self.host).is_loopback:
            raise ValueError("tls: false is for a loopback host only")
        return self


class Settings(Strict):
    """One device. `edged.settings.file.load` builds it and checks across its tables.

    `store_pepper` is a file of the secrets directory and is never in the settings file; it
    keys the hashes of refused and plain codes and of PINs. `counters` are readers without a door.
    `cloud` None: the device is alone. `gpio` are the pins of every device of that kind. `fire` and
    `lockdown_switch` hold for every door; `alarm_output` sounds while an alarm is up.
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
    cloud: Broker | None = None
    console: Console | None = None
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

    @property
    def commission_socket(self) -> Path:
        """The socket of a walk that is asked on the console's pages."""
        return self.runtime_dir / "commission.sock"
