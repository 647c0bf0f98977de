"""All construction: from the settings to doors, readers and the devices behind them.

The only room of the daemon that reaches concrete drivers, and only through the registry.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from drivers import registry
from drivers.api import FireInput, Header, Indicator
from edged import settings as conf
from edged.alarms import FIRE, TAMPER, Alarms
from edged.bank import Bank
from edged.feedback import Feedback
from edged.gate import Gate
from edged.locker_reader import LockerReader
from edged.passage import Passage
from edged.ports import Ports
from edged.supervision import Supervised
from policy.model import Rules


@dataclass(frozen=True, slots=True)
class House:
    """Everything that has a loop of its own, at the pins of one header.

    `fires` has the fire input whose latch is its own: whoever ends a fire has to reset it too.
    """

    header: Header
    gates: dict[str, Gate] = field(default_factory=dict)
    banks: dict[str, Bank] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)
    feedbacks: list[Feedback] = field(default_factory=list)
    devices: list[Supervised] = field(default_factory=list)
    fires: list[FireInput] = field(default_factory=list)


def build(settings: conf.Settings, ports: Ports) -> House:
    """Make every part of the house; nothing is opened and nothing moves."""
    house = House(_header(settings))
    for name, lockers in settings.lockers.items():
        _add_bank(house, name, lockers, ports)
    for name, reader_settings in settings.counters.items():
        _add_reader(house, name, reader_settings, None, ports)
    for name, door in settings.doors.items():
        lock = registry.lock_class(door.lock.kind)(f"{name}.lock", **_lock_given(house, door))
        gate = Gate(
            name,
            lock,
            ports,
            has_contact=door.contact is not None,
            max_pulse_ms=door.max_pulse_ms,
        )
        house.gates[name] = gate
        house.devices.append(Supervised(lock, lock.run, optional=door.lock.optional))
        _add_inputs(house, door, gate, ports.alarms)
        for reader, reader_settings in door.readers.items():
            _add_reader(house, reader, reader_settings, gate, ports)
    if settings.fire is not None:
        _add_fire(house, settings.fire, ports)
    return house


def _header(settings: conf.Settings) -> Header:
    pins = f"sim:{settings.gpio.file}" if isinstance(settings.gpio, conf.SimPins) else "header"
    return Header(pins, settings.runtime_dir, settings.state_dir)


def _given(house: House, device: conf.DeviceSettings) -> dict[str, object]:
    """Give a driver's arguments: the settings', and the header where it stands on that."""
    if isinstance(device, conf.GpioDevice):
        return {**device.arguments(), "header": house.header}
    return device.arguments()


def _lock_given(house: House, door: conf.Door) -> dict[str, object]:
    """Give a lock's arguments: one on a line has to be told what hangs there."""
    if isinstance(door.lock, conf.GpioLock):
        return {**_given(house, door.lock), "magnet": door.type is conf.LockType.MAGNET}
    return _given(house, door.lock)


def _add_fire(house: House, settings: conf.GpioSafety, ports: Ports) -> None:
    fire = registry.fire_input_class(settings.kind)("fire", **_given(house, settings))

    def report(active: bool) -> None:
        if active:  # and only a reset ends it
            ports.alarms.change("device", FIRE, raised=True)

    house.fires.append(fire)
    house.devices.append(Supervised(fire, partial(fire.run, report), optional=settings.optional))


def _add_bank(house: House, name: str, lockers: conf.LockerBank, ports: Ports) -> None:
    board = registry.locker_board_class(lockers.board.kind)(
        f"{name}.board", **lockers.board.arguments()
    )
    bank = house.banks[name] = Bank(name, board, ports, lockers.numbers)
    house.devices.append(
        Supervised(
            board,
            partial(board.run, bank.level),
            optional=lockers.board.optional,
            on_lost=bank.lost,
        )
    )
    for reader, reader_settings in lockers.readers.items():
        _add_reader(house, reader, reader_settings, bank, ports)


def _add_inputs(house: House, door: conf.Door, gate: Gate, alarms: Alarms) -> None:
    if door.contact is not None:
        contact = registry.input_class(door.contact.kind)(
            f"{gate.name}.contact", **_given(house, door.contact)
        )
        work = partial(contact.run, gate.contact)
        house.devices.append(
            Supervised(contact, work, optional=door.contact.optional, on_lost=gate.contact_lost)
        )
    if door.exit_button is not None:
        button = registry.input_class(door.exit_button.kind)(
            f"{gate.name}.exit_button", **_given(house, door.exit_button)
        )
        work = partial(button.run, gate.button)
        house.devices.append(Supervised(button, work, optional=door.exit_button.optional))
    if door.tamper is not None:
        name = f"{gate.name}.tamper"
        switch = registry.input_class(door.tamper.kind)(name, **_given(house, door.tamper))

        def report(active: bool) -> None:
            alarms.change(gate.name, TAMPER, raised=active)

        house.devices.append(
            Supervised(switch, partial(switch.run, report), optional=door.tamper.optional)
        )


def _add_reader(
    house: House, name: str, reader: conf.AnyReader, place: Gate | Bank | None, ports: Ports
) -> None:
    indicator = _add_indicator(house, name, reader)
    feedback = Feedback(indicator)
    if isinstance(place, Bank):
        passage: Passage = LockerReader(name, place, feedback, ports)
    else:
        passage = Passage(name, place, feedback, ports)
    device = registry.reader_class(reader.kind)(name, **reader.arguments())
    house.devices.append(
        Supervised(device, partial(device.run, passage.scanned), optional=reader.optional)
    )
    house.passages[name] = passage
    house.feedbacks.append(feedback)


def _add_indicator(house: House, name: str, reader: conf.AnyReader) -> Indicator | None:
    if reader.indicator is None:
        return None
    indicator = registry.indicator_class(reader.indicator.kind)(
        f"{name}.indicator", **_given(house, reader.indicator)
    )
    house.devices.append(Supervised(indicator, indicator.run, optional=reader.indicator.optional))
    return indicator


def mismatches(settings: conf.Settings, rules: Rules) -> Iterator[str]:
    """Name every door, bank and reader that the settings have and the rules lack, or the reverse.

    Rules for a whole store name other devices' doors too; a door counts as ours if the settings
    name it or one of its readers.
    """
    yield from _strange_banks(settings, rules)
    yield from _strange_readers("counters", settings.counters, rules)
    for door_name, door in settings.doors.items():
        if door_name not in rules.doors:
            yield f"doors.{door_name}: the rules have no such door"
        for reader in door.readers:
            device = rules.devices.get(reader)
            if device is None:
                yield f"doors.{door_name}.readers.{reader}: the rules have no such device"
            elif device.door != door_name:
                yield f"doors.{door_name}.readers.{reader}: the rules put it at {device.door}"
        for device in rules.devices.values():
            if device.door == door_name and device.id not in door.readers:
                yield f"devices.{device.id}: the settings wire no such reader to {door_name}"


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
