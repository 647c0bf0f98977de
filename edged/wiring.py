"""All construction: from the settings to doors, readers and the devices behind them.

The only room of the daemon that reaches concrete drivers, and only through the registry.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from drivers import registry
from drivers.api import Header, Indicator, LockerBoard
from edged.alarms.sounder import Sounder
from edged.alarms.supervision import Supervised
from edged.commission.desk import CommissionDesk
from edged.counters.reader import Banks, CounterReader
from edged.doors.emergency import Emergency
from edged.doors.gate import Gate
from edged.doors.terms import Fitting
from edged.identity.shown import ShownClaims
from edged.lockers.bank import Bank
from edged.lockers.reader import LockerReader
from edged.ports import Ports
from edged.readers.feedback import Feedback
from edged.readers.logins import Logins
from edged.readers.passage import Passage
from edged.settings import devices as wired
from edged.settings import model as conf
from policy.codes import PLAIN
from policy.model import ExitButton, Rules


@dataclass(frozen=True, slots=True)
class House:
    """Everything that has a loop of its own, the header it stands on, what holds for all doors."""

    header: Header
    emergency: Emergency
    logins: Logins
    commission: CommissionDesk
    gates: dict[str, Gate] = field(default_factory=dict)
    banks: dict[str, Bank] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)
    feedbacks: list[Feedback] = field(default_factory=list)
    sounders: list[Sounder] = field(default_factory=list)
    devices: list[Supervised] = field(default_factory=list)
    claims: ShownClaims = field(default_factory=ShownClaims)


def build(settings: conf.Settings, ports: Ports, config: Path | None = None) -> House:
    """Make every part of the house; nothing is opened and nothing moves.

    `config`: the file of the settings, None: nobody named it, and nobody is commissioned by it.
    """
    header = _header(settings)
    locks = {
        name: registry.lock_class(door.lock.kind)(f"{name}.lock", **_lock_given(header, door))
        for name, door in settings.doors.items()
    }
    gates = {
        name: Gate(name, locks[name], ports, _fitting(door))
        for name, door in settings.doors.items()
    }
    logins = Logins(ports)
    commission = CommissionDesk(config, settings, ports, logins.installer_here)
    emergency = Emergency(ports, gates.values())
    house = House(header, emergency, logins, commission, gates)
    for name, lockers in settings.lockers.items():
        _add_bank(house, name, lockers, ports)
    banks = {
        store: [house.banks[name] for name, each in settings.lockers.items() if each.store == store]
        for store in {each.store for each in settings.lockers.values()}
    }
    for name, reader_settings in settings.counters.items():
        _add_reader(house, name, reader_settings, banks, ports)
    for name, door in settings.doors.items():
        lock, gate = locks[name], gates[name]
        house.devices.append(Supervised(lock, lock.run, optional=door.lock.optional))
        _add_input(house, f"{name}.contact", door.contact, gate.contact, gate.contact_lost)
        _add_input(house, f"{name}.exit_button", door.exit_button, gate.button)
        _add_input(house, f"{name}.bond", door.bond, gate.bond, gate.bond_lost)
        _add_input(house, f"{name}.tamper", door.tamper, gate.tamper)
        for reader, reader_settings in door.readers.items():
            _add_reader(house, reader, reader_settings, gate, ports)
    _add_fire(house, settings.fire)
    _add_input(house, "lockdown_switch", settings.lockdown_switch, house.emergency.lockdown_switch)
    if settings.alarm_output is not None:
        sounder = _add_indicator(house, "alarm_output", settings.alarm_output)
        house.sounders.append(Sounder(sounder, ports.alarms))
    return house


def _fitting(door: conf.Door) -> Fitting:
    return Fitting(
        has_contact=door.contact is not None,
        max_pulse_ms=door.max_pulse_ms,
        magnet=door.type is conf.LockType.MAGNET,
        mechanical=door.egress is conf.Egress.MECHANICAL,
        continuous=door.continuous,
    )


def _header(settings: conf.Settings) -> Header:
    pins = f"sim:{settings.gpio.file}" if isinstance(settings.gpio, conf.SimPins) else "header"
    return Header(pins, settings.runtime_dir, settings.state_dir)


def _given(header: Header, device: wired.DeviceSettings) -> dict[str, object]:
    """Give a driver's arguments: the settings', and the header where it stands on that."""
    if isinstance(device, wired.GpioDevice):
        return {**device.arguments(), "header": header}
    return device.arguments()


def _lock_given(header: Header, door: conf.Door) -> dict[str, object]:
    """Give a lock's arguments: one on a line has to be told what hangs there."""
    if isinstance(door.lock, wired.GpioLock):
        return {**_given(header, door.lock), "magnet": door.type is conf.LockType.MAGNET}
    return _given(header, door.lock)


def locker_bench(kind: str) -> Callable[..., Any]:
    """Return what opens a bus of locker boards of a make. Raises ValueError: there is none."""
    if kind == "sim":
        raise ValueError("kind: the virtual building has no bus to scan")
    registry.locker_board_class(kind)
    return registry.locker_bench()


def _add_bank(house: House, name: str, lockers: conf.LockerBank, ports: Ports) -> None:
    boards: dict[int, LockerBoard] = {}
    for n, (first, board) in enumerate(lockers.boards.items(), start=1):
        named = f"{name}.board" if n == 1 else f"{name}.board{n}"
        boards[first] = registry.locker_board_class(board.kind)(named, **board.arguments())
    bank = house.banks[name] = Bank(name, boards, ports, lockers.numbers, lockers.stagger_ms)
    for first, device in boards.items():
        house.devices.append(
            Supervised(
                device,
                partial(device.run, partial(bank.level, first)),
                optional=lockers.boards[first].optional,
                on_lost=partial(bank.lost, first),
            )
        )
    for reader, reader_settings in lockers.readers.items():
        _add_reader(house, reader, reader_settings, bank, ports)


def _add_input(
    house: House,
    name: str,
    line: wired.AnyInput | None,
    report: Callable[[bool], None],
    on_lost: Callable[[], None] | None = None,
) -> None:
    if line is None:
        return
    device = registry.input_class(line.kind)(name, **_given(house.header, line))
    lost = {} if on_lost is None else {"on_lost": on_lost}
    work = partial(device.run, report)
    house.devices.append(Supervised(device, work, optional=line.optional, **lost))


def _add_fire(house: House, line: wired.AnyFire | None) -> None:
    """Wire the fire panel's contact; one at the header has a latch of its own."""
    emergency = house.emergency
    emergency.burning = line is not None  # until it says otherwise
    if not isinstance(line, wired.GpioSafety):
        _add_input(house, "fire", line, emergency.fire_input, emergency.fire_lost)
        return
    panel = registry.fire_input_class(line.kind)("fire", **_given(house.header, line))
    emergency.panel = panel
    work = partial(panel.run, emergency.fire_input)
    house.devices.append(
        Supervised(panel, work, optional=line.optional, on_lost=emergency.fire_lost)
    )


def _add_reader(
    house: House, name: str, reader: wired.AnyReader, place: Gate | Bank | Banks, ports: Ports
) -> None:
    light = reader.indicator
    indicator = None if light is None else _add_indicator(house, f"{name}.indicator", light)
    feedback = Feedback(indicator, ports.clock)
    if isinstance(place, Bank):
        passage: Passage = LockerReader(name, place, feedback, ports)
    elif isinstance(place, Gate):
        passage = Passage(name, place, feedback, ports)
    else:
        passage = CounterReader(name, place, feedback, ports)
    device = registry.reader_class(reader.kind)(name, **reader.arguments())
    door = place.name if isinstance(place, Gate) else None
    scanned = house.logins.before(name, door, feedback, passage.scanned)
    run = partial(device.run, house.claims.before(scanned))
    house.devices.append(Supervised(device, run, optional=reader.optional))
    house.passages[name] = passage
    house.feedbacks.append(feedback)


def _add_indicator(house: House, name: str, light: wired.AnyIndicator) -> Indicator:
    arguments = _given(house.header, light)
    indicator = registry.indicator_class(light.kind)(name, **arguments)
    house.devices.append(Supervised(indicator, indicator.run, optional=light.optional))
    return indicator


def mismatches(settings: conf.Settings, rules: Rules) -> Iterator[str]:
    """Name every door, bank and reader that the settings have and the rules lack, or the reverse.

    Rules for a whole store name other devices' doors too; a door counts as ours if the settings
    name it or one of its readers.
    """
    yield from _strange_banks(settings, rules)
    yield from _unpeppered(settings, rules)
    yield from _strange_readers("counters", settings.counters, rules)
    for door_name, door in settings.doors.items():
        if door_name not in rules.doors:
            yield f"doors.{door_name}: the rules have no such door"
        else:
            yield from _unfit(door_name, settings, rules)
        for reader in door.readers:
            device = rules.devices.get(reader)
            if device is None:
                yield f"doors.{door_name}.readers.{reader}: the rules have no such device"
            elif device.door != door_name:
                yield f"doors.{door_name}.readers.{reader}: the rules put it at {device.door}"
        for device in rules.devices.values():
            if device.door == door_name and device.id not in door.readers:
                yield f"devices.{device.id}: the settings wire no such reader to {door_name}"


def _unpeppered(settings: conf.Settings, rules: Rules) -> Iterator[str]:
    """Name the readers that are to take what nobody here can look up."""
    doors, banks = settings.doors.values(), settings.lockers.values()
    readers = (*(door.readers for door in doors), *(bank.readers for bank in banks))
    wired = {*settings.counters, *chain(*readers)}
    for name in sorted(wired & rules.devices.keys()):
        device = rules.devices[name]
        if settings.store_pepper is None and (device.codes & PLAIN or device.card_pin):
            yield f"devices.{name}: plain codes and PINs need the secret store_pepper"


def _unfit(name: str, settings: conf.Settings, rules: Rules) -> Iterator[str]:
    """Name what the rules ask of a door that it is not wired for."""
    asked, fitted = rules.doors[name], _fitting(settings.doors[name])
    if asked.open_bands and not fitted.may_stand_open:
        yield f"doors.{name}: open_bands needs continuous = true, or a magnet"
    if asked.exit_button is ExitButton.SHUNT and not fitted.mechanical:
        yield f'doors.{name}: exit_button shunt needs egress = "mechanical"; it releases'
    if asked.interlock is None:
        return
    here = {one for one in settings.doors if one in rules.doors}
    if not any(rules.doors[one].interlock == asked.interlock for one in here - {name}):
        yield f"doors.{name}: no other door of interlock {asked.interlock} is wired to this device"
    if not fitted.has_contact:
        yield f"doors.{name}: an interlock needs a contact at each of its doors"


def _strange_banks(settings: conf.Settings, rules: Rules) -> Iterator[str]:
    for name, bank in settings.lockers.items():
        if bank.store not in rules.stores:
            yield f"lockers.{name}.store: the rules have no store {bank.store}"
        yield from _strange_readers(f"lockers.{name}.readers", bank.readers, rules)


def _strange_readers(where: str, readers: Iterable[str], rules: Rules) -> Iterator[str]:
    """Name the readers without a door that the rules lack, or put at one."""
    for reader in readers:
        found = rules.devices.get(reader)
        if found is None:
            yield f"{where}.{reader}: the rules have no such device"
        elif found.door is not None:
            yield f"{where}.{reader}: the rules put it at {found.door}"
