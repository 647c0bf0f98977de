"""A member's code at a bank of lockers (edged.lockers.reader)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from drivers.api import DeviceLost, Scan, Signal
from edged import limits
from edged.lockers.reader import LockerReader
from edged.readers.feedback import Feedback
from hil.issuer import Issuer, Stay
from policy.model import Device, IssuerKey, KeyRole, Reason, Side
from tests.edged.fakes import NOON, FakeIndicator, settle, until
from tests.edged.lockers.cabinet import HOUR, Hall, hall
from tests.edged.rig import Rig, signal


class Front:
    """The reader `hall-in` of the bank, and its light."""

    def __init__(self, bank: Hall) -> None:
        self.bank = bank
        self.light = FakeIndicator("hall-in")
        self.feedback = Feedback(self.light, bank.rig.clock)
        self.reader = LockerReader("hall-in", bank.bank, self.feedback, bank.rig.ports)

    async def show(self, text: bytes) -> Signal:
        before = len(self.light.shown)
        self.reader.scanned(Scan(text))
        await until(lambda: len(self.light.shown) > before)
        await settle()
        return self.light.shown[-1]


@asynccontextmanager
async def at_work(rig: Rig, side: Side = Side.IN) -> AsyncIterator[Front]:
    rules = rig.rules.rules
    assert rules is not None
    devices = {**rules.devices, "hall-in": Device("hall-in", "S1", side)}
    rig.put_rules(replace(rules, devices=devices))
    async with hall(rig) as bank:
        front = Front(bank)
        jobs = [
            asyncio.create_task(front.reader.run()),
            asyncio.create_task(front.feedback.run()),
        ]
        try:
            yield front
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


@pytest.fixture
async def front(rig: Rig) -> AsyncIterator[Front]:
    async with at_work(rig) as made:
        yield made


@pytest.mark.parametrize("side", Side)
async def test_a_code_opens_the_locker_that_its_owner_holds(rig: Rig, side: Side) -> None:
    async with at_work(rig, side) as front:
        await front.bank.assign("L2")
        assert await front.show(rig.code("aiko")) == signal(Reason.OK)
        assert front.bank.board.pulses == [2]
        assert front.bank.words() == ["Assign OK", "open OK"]


async def test_each_showing_opens_the_next_of_several(front: Front) -> None:
    await front.bank.assign("L1")
    await front.bank.assign("L2", id="O2")
    for _ in range(3):
        front.bank.rig.clock.skip(10_000)
        await front.show(front.bank.rig.code("aiko"))
    assert front.bank.board.pulses == [1, 2, 1]


async def test_who_holds_none_gets_none_and_that_is_recorded(front: Front) -> None:
    await front.bank.assign()
    shown = await front.show(front.bank.rig.code("boram"))
    assert shown == signal(Reason.LOCKER_NOT_ASSIGNED)
    await front.bank.rig.written()
    assert front.bank.words()[-1] == "open LOCKER_NOT_ASSIGNED"
    assert front.bank.board.pulses == []


async def test_staff_who_stop_a_member_do_not_keep_the_members_things(front: Front) -> None:
    await front.bank.assign(member="dan")
    assert await front.show(front.bank.rig.code("dan")) == signal(Reason.OK)


@pytest.mark.parametrize("who", ["fumi", "goro"])
async def test_a_staff_code_is_nobodys_locker(front: Front, who: str) -> None:
    await front.bank.assign(member=who)
    shown = await front.show(front.bank.rig.code(who))
    assert shown == signal(Reason.CODE_KIND_NOT_ACCEPTED)
    assert front.bank.board.pulses == []


@pytest.mark.parametrize(
    ("ago", "reason"), [(HOUR, Reason.CODE_EXPIRED), (-HOUR, Reason.CODE_NOT_YET_VALID)]
)
async def test_an_old_code_opens_nothing(front: Front, ago: object, reason: Reason) -> None:
    await front.bank.assign()
    text = front.bank.rig.code("aiko", ago=ago)  # type: ignore[arg-type] # a span
    assert await front.show(text) == signal(reason)
    await front.bank.rig.written()
    assert front.bank.words()[-1] == f"open {reason.value}"
    assert front.bank.board.pulses == []


async def test_what_is_no_code_opens_nothing(front: Front) -> None:
    assert await front.show(b"hello") == signal(Reason.CODE_UNREADABLE)
    assert front.bank.words() == []


async def test_an_expired_locker_says_so(front: Front) -> None:
    await front.bank.assign(end=NOON)
    assert await front.show(front.bank.rig.code("aiko")) == signal(Reason.LOCKER_EXPIRED)


async def test_a_board_that_fails_is_no_welcome(front: Front) -> None:
    await front.bank.assign()
    front.bank.board.refuses = DeviceLost("hall.board", "silent")
    assert await front.show(front.bank.rig.code("aiko")) == signal(Reason.INTERNAL_ERROR)


async def test_without_a_disk_nothing_opens(front: Front) -> None:
    await front.bank.assign()
    await front.bank.rig._raw(lambda db: db.execute("PRAGMA query_only = 1"))
    assert await front.show(front.bank.rig.code("aiko")) == signal(Reason.RECORD_FAILED)
    assert front.bank.board.pulses == []


async def test_a_code_that_works_once_opens_one_locker(front: Front) -> None:
    rig = front.bank.rig
    rules = rig.rules.rules
    assert rules is not None
    settings = replace(rules.settings, code_single_use=True)
    rig.put_rules(replace(rules, settings=settings))
    code = rig.code("aiko")
    first = await front.show(code)
    await rig.clock.advance(6_000)
    assert first != signal(Reason.CODE_USED)
    assert await front.show(code) == signal(Reason.CODE_USED)


async def test_who_has_gone_after_a_slow_check_gets_no_open_locker(front: Front) -> None:
    rig = front.bank.rig
    rules = rig.rules.rules
    assert rules is not None
    rig.put_rules(replace(rules, settings=replace(rules.settings, code_single_use=True)))
    await front.bank.assign()
    front.bank.board.turn.clear()
    held = await rig.hold_journal()  # the code's use waits, and then the board
    showing = asyncio.create_task(front.show(rig.code("aiko")))
    await until(lambda: len(rig.journal._waiting) == 1)
    rig.clock.skip(int(limits.COMMIT_S * 1000) - 1)
    held.let_go.set()
    await until(lambda: front.bank.board.asked == 1)
    rig.clock.skip(1)
    front.bank.board.turn.set()
    await showing
    assert front.bank.board.pulses == []


async def test_a_booking_opens_no_locker(front: Front) -> None:
    rig = front.bank.rig
    rules = rig.rules.rules
    assert rules is not None
    office = Issuer("acme", 5, b"\x05" * 32)
    key = IssuerKey(5, KeyRole.BOOKING, office.public)
    rig.put_rules(replace(rules, keys={**rules.keys, 5: key}))
    stay = Stay(b"booking1", b"store--1", int(NOON.timestamp()), 60)
    code = office.b1(stay, b"aiko....", int(NOON.timestamp())).encode()
    assert await front.show(code) == signal(Reason.CODE_KIND_NOT_ACCEPTED)
