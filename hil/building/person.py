"""What a person in the building can do, and what it does (README.md)."""

from hil.building.building import Building, Refused
from hil.building.door import Close, Event, Force, Leave, Press, Pull, Tamper
from hil.building.faults import Faults
from hil.building.lockers import NoSuchLocker
from hil.building.messages import (
    Act,
    Disturb,
    Leaf,
    LockerDoor,
    Plug,
    Raw,
    Scan,
    Show,
    State,
    Switch,
)
from hil.building.messages import Press as PressRequest
from hil.building.messages import Tamper as TamperRequest
from hil.building.scanner import Scanner

_LEAF: dict[str, Event] = {
    "open": Pull(),
    "leave": Leave(),
    "force": Force(),
    "close": Close(),
}


def act(building: Building, request: Act) -> dict[str, object]:
    """Carry out one request.

    Returns:
        What the answer says beyond "ok".

    Raises:
        Refused: it can't be done, and nothing changed.
    """
    match request:
        case Scan():
            building.scan(request.reader, request.text)
        case Raw():
            building.send(request.reader, bytes.fromhex(request.hex))
        case Show():
            building.show(request.camera, request.png, request.for_ms)
        case PressRequest() | Leaf() | TamperRequest():
            _at_door(building, request)
        case Switch():
            building.switch(request.line, request.on)
        case LockerDoor():
            _move(building, request)
        case Plug() | Disturb():
            _trouble(building, request)
        case State():
            return _state(building)
    return {}


def _at_door(building: Building, request: PressRequest | Leaf | TamperRequest) -> None:
    match request:
        case PressRequest():
            building.act(request.door, Press(request.for_ms))
        case TamperRequest():
            building.act(request.door, Tamper(request.opened))
        case Leaf():
            door = building.act(request.door, _LEAF[request.do])
            if request.do in {"open", "leave"} and not door.open:
                raise Refused("locked")


def _move(building: Building, request: LockerDoor) -> None:
    bank = building.bank(request.bank)
    try:
        match request.do:
            case "open_locker":
                if not bank.pull(request.channel):
                    raise Refused("locked")
            case "force_locker":
                bank.force(request.channel)
            case "close_locker":
                bank.close(request.channel)
    except NoSuchLocker as error:
        raise Refused(str(error)) from error


def _trouble(building: Building, request: Plug | Disturb) -> None:
    if isinstance(request, Disturb):
        _disturb(building, request)
    else:
        _plug(building.scanner(request.reader), request)


def _plug(scanner: Scanner, request: Plug) -> None:
    if request.do == "unplug":
        scanner.unplug()
        return
    try:
        scanner.plug()
    except OSError as error:
        raise Refused(f"reader: {error}") from error


def _disturb(building: Building, request: Disturb) -> None:
    bus = building.bus(request.bus)
    if request.board is not None and request.board >= len(bus.wire.boards):
        raise Refused(f"board: {request.bus!r} has {len(bus.wire.boards)}")
    said = request.model_dump(exclude={"id", "do", "bus", "board", "unplugged", "echo"})
    for noise in ("noise_before", "noise_after"):
        said[noise] = bytes.fromhex(said[noise])
    bus.disturb(Faults(**said), request.board)
    bus.wire.echo = request.echo
    try:
        if request.unplugged:
            bus.unplug()
        else:
            bus.plug()
    except OSError as error:
        raise Refused(f"bus: {error}") from error


def _state(building: Building) -> dict[str, object]:
    building.settle()
    doors = {
        name: {
            "lock": door.lock,
            "energised": door.energised,
            "released": door.released,
            "open": door.open,
        }
        for name, door in building.doors.items()
    }
    lockers = {
        name: {
            str(channel): {"released": locker.released, "open": locker.open}
            for channel, locker in bank.lockers.items()
        }
        for name, bank in building.banks.items()
    }
    return {"doors": doors, "lockers": lockers, "indicators": building.signals}
