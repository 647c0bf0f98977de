"""What people do at a store, day by day, drawn from a seed."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from hil.issuer import tamper
from hil.issuer.codes import Stay
from hil.issuer.rotating import STEP_S
from hil.releases import store as at

DAY_S: Final = 86_400
_SESSION_S: Final = 1_800
_BLOCKS: Final = (range(14), range(12, 26), range(24, 48))
"""Half hours of a day, the first at ten in the morning: by day, in the evening, at night."""
_SLOTS: Final = range(10, _SESSION_S - 30, 3)
"""When people come, s: what one has set going comes to rest before the next."""

Act = list[Any]
"""When, s since the store begins; what; how."""


def acts(seed: int, days: int, people: int) -> Iterator[Act]:
    """Yield what happens, in order.

    The device is on for three sessions of half an hour a day, by day, in the evening and at night.
    `people` come to each, at most 500.
    """
    yield [0, "on"]
    for number, locker in enumerate(at.LOCKERS, start=1):
        facts = {"locker": locker, "staff": "boss", "occupancy": None}
        yield [number, "order", "locker", "confirm_empty", facts]
    yield [9, "off"]
    for day in range(days):
        dice, shown = random.Random(f"{seed}/{day}"), list[str]()
        for block in sorted({dice.choice(blocks) for blocks in _BLOCKS}):
            yield from _session(dice, day * DAY_S + block * _SESSION_S + 10, people, shown)


def _session(dice: random.Random, began_s: int, people: int, shown: list[str]) -> Iterator[Act]:
    slots = sorted(dice.sample(_SLOTS, people + 2))
    troubled = sorted(dice.sample(range(people + 2), 2))
    trouble = iter(dice.choice(_TROUBLES))
    yield [began_s, "on"]
    for number, slot in enumerate(slots):
        if number in troubled:
            yield [began_s + slot, *next(trouble)]
        else:
            yield from _visit(dice, began_s + slot, shown)
    yield [began_s + _SESSION_S - 20, "off"]


_TROUBLES: Final[tuple[tuple[Act, Act], ...]] = (
    (["switch", "lockdown", True], ["switch", "lockdown", False]),
    (["clock", None], ["clock", 0.1]),
    (["disk", "FULL"], ["disk", "WELL"]),
)


def _visit(dice: random.Random, now_s: int, shown: list[str]) -> Iterator[Act]:
    reader = dice.choices(
        (*at.ENTRANCES, *at.EXITS, "hall-in", *at.COUNTERS), (30, 5, 8, 6, 6, 6, 14, 4, 4, 4, 5, 3)
    )[0]
    text = _text(dice, reader, now_s, shown)
    shown.append(text)
    yield [now_s, "scan", reader, text]
    door = reader.partition("-")[0]
    if reader in {*at.ENTRANCES, *at.EXITS} and dice.random() < 0.8:
        yield [now_s + 1, "open", door]
        yield [now_s + 2, "close", door]
    elif reader == "hall-in":
        yield from ([now_s + 2, "close_locker", at.BANK, n + 1] for n in range(len(at.LOCKERS)))


def _text(dice: random.Random, reader: str, now_s: int, shown: list[str]) -> str:
    """Draw a code as it is shown: mostly a good one of a member who comes often."""
    at_s = int(at.BEGINS.timestamp()) + now_s
    number = min(int(dice.expovariate(1 / 18)), len(at.MEMBERS) - 1)
    member, nonce = at.MEMBERS[number], dice.getrandbits(32)
    handle = at.handle(member)
    if reader == "room-in" and dice.random() < 0.7:
        return _of_booking(dice, at_s, handle)
    kinds = ("M1", "F1", "R1", "BARCODE", "staff", "odd", "again")
    match dice.choices(kinds, (60, 8, 8, 4, 6, 11, 3))[0]:
        case "F1":
            return at.KEYS["member"].f1(handle, dice.choice((1, 1, 1, 2)))
        case "R1":
            return at.phone(member).r1(at.NUMBER, at_s // STEP_S + dice.choice((0, 0, 0, -1, 9)))
        case "BARCODE":
            return f"{number:08}"
        case "staff":
            return _of_staff(dice, at_s, nonce)
        case "odd":
            return _odd(dice, at_s, handle, nonce)
        case "again" if shown:
            return dice.choice(shown)
        case _:
            return at.KEYS["member"].m1(handle, at_s, 30, nonce)


def _odd(dice: random.Random, at_s: int, handle: bytes, nonce: int) -> str:
    """A code that is old, early, forged, nobody's, or none."""
    ago_s = dice.choice((-300, -30, 1_799, 1_801, 7_200))
    issuer = at.KEYS["member"]
    odd = (
        issuer.m1(handle, at_s - ago_s, 30, nonce),
        tamper.forged(issuer.m1(handle, at_s, 30, nonce), offset=-1),
        issuer.m1(at.handle(f"x{nonce % 90}"), at_s, 30, nonce),
        f"M1:{nonce:X}",
    )
    return dice.choices(odd, (4, 3, 2, 2))[0]


def _of_staff(dice: random.Random, at_s: int, nonce: int) -> str:
    person = at.handle(dice.choice(at.STAFF))
    if dice.random() < 0.5:
        return at.KEYS["staff"].t2(person, dice.choice((1, 2)))
    return at.KEYS["staff"].t1(person, at_s - dice.choice((0, 0, 900)), 10, nonce)


def _of_booking(dice: random.Random, at_s: int, user: bytes) -> str:
    """A code of the booking that is nearest, or of one that the rules have not heard of."""
    number = min(range(at.BOOKINGS), key=lambda n: abs(at.booked(n)[1].timestamp() - at_s))
    booking, begins = at.booked(number)
    if dice.random() < 0.2:
        booking = bytes([0xEF, *booking[1:]])
    sent = at.BEGINS + timedelta(minutes=dice.choice((-60, 1)))
    stay = Stay(booking, at.STORE_HANDLE, int(begins.timestamp()), 120, at.ROOM_HANDLE)
    return at.KEYS["booking"].b1(stay, user, int(sent.timestamp()), uses=dice.choice((0, 2)))
