"""The lines of the wire that come in (README.md), checked where they enter."""

from typing import Annotated, Literal, Self

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from hil.building import limits
from hil.building.config import Name

Span = Annotated[int, Field(ge=1, le=limits.SPAN_MS)]
Text = Annotated[str, Field(min_length=1)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LockHello(_Message):
    """A host that works a lock's own board."""

    hello: Literal["lock"]
    door: Name


class CoilHello(_Message):
    """A wire from a relay at a computer's header to a lock's coil."""

    hello: Literal["coil"]
    door: Name


class LevelHello(_Message):
    """A host that listens to a line of a door."""

    hello: Literal["contact", "button", "bond", "tamper"]
    door: Name


class SwitchHello(_Message):
    """A host that listens to a switch that is no door's."""

    hello: Literal["fire", "lockdown"]


class IndicatorHello(_Message):
    """A host that lights an indicator."""

    hello: Literal["indicator"]
    name: Name


class ReaderHello(_Message):
    """A host that listens to a simulated reader."""

    hello: Literal["reader"]
    name: Name


class LockersHello(_Message):
    """A host that works the board of a bank of lockers."""

    hello: Literal["lockers"]
    bank: Name


class PersonHello(_Message):
    """Somebody who acts in the building and may watch it."""

    hello: Literal["person"]


Hello = (
    LockHello
    | CoilHello
    | LevelHello
    | SwitchHello
    | IndicatorHello
    | ReaderHello
    | LockersHello
    | PersonHello
)


class Request(_Message):
    """What can be asked once the first line is answered. The answer repeats `id`."""

    id: int


class CoilOrder(Request):
    """The coil has current from now on, or none."""

    energised: bool


class LockOrder(Request):
    """One order to a lock's board."""

    release_ms: Span | None = None
    hold_ms: Span | None = None
    secure: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if (self.release_ms, self.hold_ms, self.secure).count(None) != 2:
            raise ValueError("one of release_ms, hold_ms, secure is needed")
        return self


class LockersOrder(Request):
    """One order to the board of a bank."""

    pulse: int


class Signal(Request):
    """What an indicator shows from now on."""

    light: Literal["off", "green", "amber", "red"]
    tone: Literal["none", "low", "high"]
    blinks: Annotated[int, Field(ge=0, le=limits.BLINKS)]
    for_ms: Span
    lines: Annotated[
        list[Annotated[str, Field(max_length=limits.MESSAGE_CHARS)]],
        Field(max_length=limits.MESSAGE_LINES),
    ] = []


class Scan(Request):
    """Hold a code before a reader."""

    do: Literal["scan"]
    reader: Name
    text: Text


class Raw(Request):
    """Make a scanner send exactly these bytes."""

    do: Literal["raw"]
    reader: Name
    hex: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2})+$")]


class Show(Request):
    """Hold a picture before a camera."""

    do: Literal["show"]
    camera: Name
    png: Base64Bytes
    for_ms: Span


class Press(Request):
    """Press the exit button."""

    do: Literal["press"]
    door: Name
    for_ms: Span


class Leaf(Request):
    """Pull the door, go out of it from inside, break it open, or let it fall shut."""

    do: Literal["open", "leave", "force", "close"]
    door: Name


class Tamper(Request):
    """Open the housing of a door's devices, or close it."""

    do: Literal["tamper"]
    door: Name
    opened: bool


class Switch(Request):
    """Turn a switch: the fire panel's relay, or the one for a lockdown."""

    do: Literal["switch"]
    line: Literal["fire", "lockdown"]
    on: bool


class LockerDoor(Request):
    """Pull a locker's door, break it open, or push it shut."""

    do: Literal["open_locker", "force_locker", "close_locker"]
    bank: Name
    channel: int


class Plug(Request):
    """Pull a scanner's plug, or put it back."""

    do: Literal["unplug", "plug"]
    reader: Name


class Disturb(Request):
    """Let something go wrong at a bus from now on; what is left out goes right.

    `board` counts from 0 in the order of the file; None = all of them. `echo` is the adapter's.
    """

    do: Literal["disturb"]
    bus: Name
    board: Annotated[int, Field(ge=0)] | None = None
    unplugged: bool = False
    echo: bool = False
    mute: bool = False
    deaf_answers: bool = False
    noise_before: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2})*$")] = ""
    noise_after: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2})*$")] = ""
    wrong_address: bool = False
    wrong_checksum: bool = False
    cut_bytes: Annotated[int, Field(ge=0, le=limits.LINE_BYTES)] = 0
    duplicate: bool = False
    late_ms: Annotated[int, Field(ge=0, le=limits.SPAN_MS)] = 0
    refuse: Annotated[int, Field(ge=0, le=255)] = 0


class State(Request):
    """Look at everything."""

    do: Literal["state"]


class Watch(Request):
    """Hear of every observation from now on."""

    do: Literal["watch"]


Act = Scan | Raw | Show | Press | Leaf | Tamper | Switch | LockerDoor | Plug | Disturb | State
PersonRequest = Act | Watch

HELLO: TypeAdapter[Hello] = TypeAdapter(Annotated[Hello, Field(discriminator="hello")])
PERSON_REQUEST: TypeAdapter[PersonRequest] = TypeAdapter(
    Annotated[PersonRequest, Field(discriminator="do")]
)
LOCK_ORDER = TypeAdapter(LockOrder)
COIL_ORDER = TypeAdapter(CoilOrder)
LOCKERS_ORDER = TypeAdapter(LockersOrder)
SIGNAL = TypeAdapter(Signal)
