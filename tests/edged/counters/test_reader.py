"""Lockers at a counter terminal (edged.counters.reader): given once, and shown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from policy.locker_model import Occupancy
from policy.model import Reason
from tests.edged.counters.test_desk import OK, Desk, devices, finn, later, text
from tests.edged.fakes import NOON, settle, until
from tests.edged.lockers.cabinet import HOUR, Hall, hall
from tests.edged.rig import running, signal

L1 = "Locker L1: until 20:00"
PAID = {"id": "P1", "kind": "LOCKER", "valid_to": text(8)}


class Counter:
    """A desk that gives the lockers of the bank `hall`, and checks seats where it is told to."""

    def __init__(self, bank: Hall) -> None:
        self.bank, self.rig = bank, bank.rig
        self.desk = Desk(bank.rig, bank.bank)

    async def show(self) -> tuple[str, ...]:
        """Present the member's code; the lines that are seen in the end."""
        await self.desk.show()
        await until(lambda: not self.desk.passage._undecided)
        await settle()
        return self.desk.light.shown[-1].lines

    @property
    def told(self) -> list[str]:
        return [f"{one['verb']} {one['locker']}" for one in self.rig.records("locker_command")]

    def use(self, locker: str) -> Occupancy | None:
        return self.bank.bank.lockers[locker].occupancy


@asynccontextmanager
async def at(
    folder: Path, *products: dict[str, Any], seat: bool = False, **device: object
) -> AsyncIterator[Counter]:
    wired = devices("seat" if seat else "any_member")
    wired["desk"] |= {"loyalty": False, "lockers": True, **device}
    people = finn(io="IN" if seat else None)
    people["finn"]["products"] = [*people["finn"]["products"], *products][not seat :]
    async with running(folder, devices=wired, members=people) as rig, hall(rig) as bank:
        yield Counter(bank)


async def test_who_has_paid_is_given_a_locker_once(tmp_path: Path) -> None:
    async with at(tmp_path, PAID) as counter:
        for _ in range(2):
            assert await counter.show() == (*OK.lines, L1)
            await later(counter.rig)
        assert counter.told == ["assign L1"]
        use = counter.use("L1")
        assert use is not None
        assert (use.member, use.product, use.start, use.end) == (
            "finn",
            "P1",
            NOON,
            NOON + 8 * HOUR,
        )
        assert counter.bank.board.pulses == []
        assert {one["via"] for one in counter.rig.records("passage")} == {"locker"}


async def test_a_seat_and_a_locker_are_shown_together(tmp_path: Path) -> None:
    async with at(tmp_path, {**PAID, "id": "P2"}, seat=True) as counter:
        for io in ("out", "in"):
            assert await counter.show() == (*OK.lines, f"Seat 9: checked {io} / {L1}")
            await later(counter.rig)
        assert counter.told == ["assign L1"]


async def test_who_has_bought_nothing_is_given_nothing(tmp_path: Path) -> None:
    async with at(tmp_path) as counter:
        refused = signal(Reason.LOCKER_NOT_ASSIGNED)
        assert await counter.show() == refused.lines
        assert counter.told == []


async def test_where_none_are_given_none_are_looked_at(tmp_path: Path) -> None:
    async with at(tmp_path, PAID, lockers=False, loyalty=True) as counter:
        await counter.bank.assign(member="finn")
        assert await counter.show() == OK.lines
        assert counter.told == ["Assign L1"]


async def test_of_two_who_come_to_the_last_locker_the_first_gets_it(tmp_path: Path) -> None:
    async with at(tmp_path, PAID) as counter:
        await counter.bank.assign("L1", member="eun")
        await counter.bank.end()
        first = asyncio.create_task(counter.bank.assign("L2", member="eun", id="O2"))
        second = asyncio.create_task(counter.show())
        await until(lambda: len(counter.bank.bank._mailbox) == 2)
        counter.bank._life = asyncio.create_task(counter.bank.bank.run())
        assert await second == signal(Reason.LOCKER_OCCUPIED).lines
        await first
        use = counter.use("L2")
        assert use is not None
        assert use.member == "eun"


async def test_a_bank_that_takes_no_orders_gives_nothing(tmp_path: Path) -> None:
    async with at(tmp_path, PAID) as counter:
        await counter.bank.end()
        while counter.bank.bank._mailbox.offer("L1"):
            pass
        assert await counter.show() == signal(Reason.RECORD_FAILED).lines
        assert counter.use("L1") is None


async def test_a_member_with_things_left_beyond_the_end_sees_staff(tmp_path: Path) -> None:
    async with at(tmp_path, PAID) as counter:
        await counter.bank.assign(member="finn", end=NOON)
        assert await counter.show() == signal(Reason.LOCKER_EXPIRED).lines
        assert counter.use("L2") is None


async def test_what_is_shown_is_told_to_who_watches(tmp_path: Path) -> None:
    async with at(tmp_path, PAID) as counter:
        await counter.show()
        [told] = await counter.rig.said("holds")
        assert (told["member"], told["lockers"], told["seats"]) == ("finn", ["L1"], [])
