"""Commands of the cloud: the same desks, one effect each, and an answer that is kept."""

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cloud_link.ports import Answer
from cloud_link.wire import Command
from edged.cloud.orders import ARGUMENTS, Orders
from edged.cloud.outbox import JournalOutbox
from edged.lockers.desk import LockerDesk
from policy.model import Visit
from tests.edged.doors.house import House, two_doors
from tests.edged.fakes import NOON, until
from tests.edged.lockers.cabinet import Hall, hall
from tests.edged.lockers.test_desk import settings

T = TypeVar("T")


class Asked:
    """Two doors and a bank, and who takes the cloud's commands for them."""

    def __init__(self, house: House, bank: Hall, folder: Path) -> None:
        self.house, self.bank, self.rig = house, bank, house.rig
        self.outbox = JournalOutbox(self.rig.ports, self.rig.path)
        self.lockers = LockerDesk(settings(folder), self.rig.ports, {"hall": bank.bank})
        self.again()

    def again(self) -> None:
        """Forget what is not on the disk, as a restart does."""
        self.orders = Orders(
            self.rig.ports, self.outbox, self.house.desk, self.lockers, lambda: {"device": "S1"}
        )

    async def ask(self, verb: str, **args: object) -> Answer:
        return await self.orders.command(command(verb, args), None)

    def recorded(self) -> list[tuple[str, str]]:
        return [(one["verb"], one["result"]) for one in self.rig.records("command")]


def command(verb: str, args: Mapping[str, Any], **facts: Any) -> Command:
    said: dict[str, object] = {
        "tenant": "acme",
        "device": "S1",
        "id": str(uuid.uuid4()),
        "verb": verb,
        "args": args,
    }
    said |= {"by": "kim", "issued_at": "2026-11-04T03:00:00.000Z"}
    said |= {"expires_at": "2026-11-04T03:00:10.000Z", "nonce": None}
    return Command.model_validate(said | facts)


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with two_doors(tmp_path) as house, hall(house.rig) as bank:
        made = Asked(house, bank, tmp_path)
        await house.rig.journal.commit(lambda ledger: ledger.put("fresh", value=False))
        yield made
        await made.outbox.close()


async def test_a_door_is_opened_once_and_a_copy_gets_the_answer(asked: Asked) -> None:
    opening = command("door_open", {"door": "front"})
    first = await asked.orders.command(opening, None)
    assert first == Answer("OK", {})
    assert await asked.orders.command(opening, None) == first
    assert await asked.orders.command(opening, "EXPIRED") == first
    asked.again()
    assert await asked.orders.command(opening, None) == first
    await asked.rig.written()
    assert len(asked.rig.lock.releases) == 1
    assert asked.recorded() == [("open", "OK")]


class Watched(JournalOutbox):
    """Counts the looks at the disk."""

    looks = 0

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        self.looks += 1
        return await super().read(look)


async def test_a_door_does_not_wait_for_a_look_at_the_disk(asked: Asked) -> None:
    asked.outbox = watched = Watched(asked.rig.ports, asked.rig.path)
    asked.again()
    for n in range(3):
        assert await asked.ask("door_open", door="front") == Answer("OK", {})
        assert watched.looks == 1  # at the first, for all that were answered before
        assert len(asked.rig.lock.releases) == n + 1
    await watched.close()


async def test_copies_that_come_together_have_one_effect(asked: Asked) -> None:
    opening = command("door_open", {"door": "front"})
    answers = await asyncio.gather(*(asked.orders.command(opening, None) for _ in range(5)))
    assert answers == [Answer("OK", {})] * 5
    assert len(asked.rig.lock.releases) == 1


async def test_an_opening_is_not_given_again_when_only_its_answer_was_lost(asked: Asked) -> None:
    opening = command("door_open", {"door": "front"})
    await asked.orders.command(opening, None)
    await asked.rig.journal.commit(lambda ledger: ledger._db.execute("DELETE FROM answered"))
    asked.again()
    assert (await asked.orders.command(opening, None)).result == "DUPLICATE"
    assert len(asked.rig.lock.releases) == 1


async def test_an_opening_whose_answer_was_lost_is_not_called_expired_later(asked: Asked) -> None:
    opening = command("door_open", {"door": "front"})
    await asked.orders.command(opening, None)
    await asked.rig.journal.commit(lambda ledger: ledger._db.execute("DELETE FROM answered"))
    asked.again()
    assert (await asked.orders.command(opening, "EXPIRED")).result == "DUPLICATE"
    await asked.rig.written()
    assert asked.recorded() == [("open", "OK")]


async def test_another_content_under_one_id_is_refused_and_recorded_once(asked: Asked) -> None:
    opening = command("door_open", {"door": "front"})
    other = opening.model_copy(update={"args": {"door": "back"}})
    await asked.orders.command(opening, None)
    for _ in range(3):
        assert await asked.orders.command(other, None) == Answer("DUPLICATE")
    await asked.rig.written()
    assert asked.house.magnet.releases == []
    assert asked.recorded() == [("open", "OK"), ("door_open", "DUPLICATE")]


@pytest.mark.parametrize("why", ["EXPIRED", "NOT_YET"])
async def test_what_is_out_of_its_time_moves_nothing_and_stays_refused(
    asked: Asked, why: str
) -> None:
    opening = command("door_open", {"door": "front"})
    assert await asked.orders.command(opening, why) == Answer(why)
    assert await asked.orders.command(opening, None) == Answer(why)
    asked.again()
    assert await asked.orders.command(opening, None) == Answer(why)
    assert asked.rig.lock.releases == []
    assert asked.recorded() == [("door_open", why)]


@pytest.mark.parametrize(
    ("verb", "args", "result"),
    [
        ("door_open", {"door": "roof"}, "NOT_FOUND"),
        ("door_open", {}, "REFUSED"),
        ("door_open", {"door": "front", "do": "lockdown"}, "REFUSED"),
        ("door_open", {"door": 7}, "REFUSED"),
        ("lockdown", {"on": "yes"}, "REFUSED"),
        ("locker_open", {"locker": "L9", "occupancy": None}, "NOT_FOUND"),
        ("locker_open", {"locker": "L1"}, "REFUSED"),
        ("locker_open", {"locker": "L1", "occupancy": "O1"}, "STALE_COMMAND"),
        ("passback_clear", {"member": "M1", "store": "S1"}, "REFUSED"),
        ("passback_clear", {"store": "S9"}, "NOT_FOUND"),
        ("fire_reset", {}, "NO_FIRE"),
        ("reload", {"now": True}, "REFUSED"),
        ("format_disk", {}, "UNKNOWN_VERB"),
    ],
)
async def test_what_can_not_be_done_is_answered_and_recorded(
    asked: Asked, verb: str, args: dict[str, object], result: str
) -> None:
    answer = await asked.ask(verb, **args)
    assert answer.result == result
    await asked.rig.written()
    assert asked.rig.lock.releases == asked.bank.board.pulses == []
    recorded = asked.rig.records("command") + asked.rig.records("locker_command")
    assert [one["result"] for one in recorded] == [result]


@pytest.mark.threat("A11")
async def test_who_asks_is_an_id(asked: Asked) -> None:
    answer = await asked.orders.command(command("door_open", {"door": "front"}, by="a b"), None)
    assert answer.result == "REFUSED"
    assert "by" in str(answer.more["why"])


async def test_a_use_of_a_locker_is_ended_from_afar_and_opens_it_once(asked: Asked) -> None:
    await asked.bank.assign("L1")
    end = command("locker_end", {"locker": "L1", "occupancy": "O1"})
    first = await asked.orders.command(end, None)
    assert first.result == "OK"
    asked.again()
    assert await asked.orders.command(end, None) == first
    assert (await asked.ask("locker_end", locker="L1", occupancy="O1")).result != "OK"
    assert asked.bank.board.pulses == [1]


async def test_a_lockdown_that_was_overtaken_by_a_newer_order_is_not_taken(asked: Asked) -> None:
    old = command("lockdown", {"on": False}, issued_at="2026-11-04T02:00:00.000Z")
    new = command("lockdown", {"on": True}, issued_at="2026-11-04T02:30:00.000Z")
    assert (await asked.orders.command(new, None)).result == "OK"
    assert (await asked.orders.command(old, None)).result == "EXPIRED"
    assert asked.house.front.lockdown


async def test_behind_a_disk_that_was_rolled_back_old_orders_are_not_taken(asked: Asked) -> None:
    old = command("lockdown", {"on": True}, issued_at="2026-11-04T02:00:00.000Z")
    epoch = (await asked.outbox.standing()).epoch
    await asked.outbox.rolled_back(epoch, 99)
    assert (await asked.orders.command(old, None)).result == "EXPIRED"
    assert not asked.house.front.lockdown
    asked.rig.clock.step_wall(timedelta(minutes=1))
    new = command("lockdown", {"on": True}, issued_at="2026-11-04T03:00:30.000Z")
    assert (await asked.orders.command(new, None)).result == "OK"


async def test_a_new_disk_takes_only_what_can_not_be_old(asked: Asked) -> None:
    await asked.rig.journal.commit(lambda ledger: ledger.put("fresh", value=True))
    assert (await asked.ask("lockdown", on=True)).result == "EXPIRED"
    assert not asked.house.front.lockdown
    assert (await asked.ask("door_open", door="front")).result == "OK"


async def test_anti_passback_is_cleared(asked: Asked) -> None:
    visit = Visit("S1", NOON, None, "front-in", "plan:P", None)
    await asked.rig.journal.commit(lambda ledger: ledger.set_visit("aiko", visit))
    assert await asked.ask("passback_clear", member="aiko") == Answer("OK", {"cleared": 1})
    assert await asked.ask("passback_clear", store="S1") == Answer("OK", {"cleared": 0})


async def test_diagnostics_are_told_once_and_a_reload_is_taken(asked: Asked) -> None:
    await asked.ask("door_open", door="front")
    look = command("diagnostics", {})
    answer = await asked.orders.command(look, None)
    assert answer.result == "OK"
    assert answer.more["status"] == {"device": "S1"}
    assert any('"kind":"command"' in record for record in answer.more["records"])
    assert await asked.orders.command(look, None) == Answer("OK", {"left_out": "told once"})
    assert await asked.ask("reload") == Answer("OK")


async def test_nothing_is_let_in_that_can_not_be_recorded(asked: Asked) -> None:
    await asked.rig.fill_journal()
    opening = command("door_open", {"door": "front"})
    assert (await asked.orders.command(opening, None)).result == "REFUSED"
    assert asked.rig.lock.releases == []
    await asked.rig.empty_journal()
    assert (await asked.orders.command(opening, None)).result == "OK"  # it was never taken


@pytest.mark.threat("D9")
@pytest.mark.parametrize(
    ("verb", "args", "result"),
    [
        ("door_open", {"door": "front"}, ("EXPIRED", None)),
        ("locker_open", {"locker": "L1", "occupancy": "O1"}, ("EXPIRED", False)),
        ("locker_end", {"locker": "L1", "occupancy": "O1"}, ("EXPIRED", False)),
        ("fire_reset", {}, ("EXPIRED", None)),
    ],
)
async def test_a_release_whose_end_comes_while_the_disk_is_slow_moves_nothing(
    asked: Asked, verb: str, args: dict[str, str], result: tuple[str, bool | None]
) -> None:
    await asked.bank.assign()
    asked.house.emergency.fire_input(active=True)
    asked.house.emergency.fire_input(active=False)
    await asked.rig.written()
    clock = asked.rig.clock
    held = await asked.rig.hold_journal()
    until_ms = clock.monotonic_ms() + 3_000
    opening = asyncio.create_task(asked.orders.command(command(verb, args), None, until_ms))
    await until(lambda: len(asked.rig.journal._waiting) == 1)
    clock.skip(3_000)
    held.let_go.set()
    answer = await opening
    assert (answer.result, answer.more.get("released")) == result
    await asked.rig.written()
    assert (asked.rig.lock.releases, asked.bank.board.pulses) == ([], [])
    assert asked.house.emergency.levels.fire
    assert await asked.rig.journal.commit(lambda ledger: ledger.get("fire")) is True


@pytest.mark.threat("D9")
@pytest.mark.parametrize("verb", ["locker_open", "locker_end"])
async def test_a_release_whose_end_comes_while_another_board_has_the_bus_moves_nothing(
    asked: Asked, verb: str
) -> None:
    await asked.bank.assign()
    asked.bank.board.turn.clear()
    until_ms = asked.rig.clock.monotonic_ms() + 3_000
    use = {"locker": "L1", "occupancy": "O1"}
    opening = asyncio.create_task(asked.orders.command(command(verb, use), None, until_ms))
    await until(lambda: asked.bank.board.asked == 1)
    asked.rig.clock.skip(3_000)
    asked.bank.board.turn.set()
    answer = await opening
    assert (answer.result, answer.more.get("released")) == ("EXPIRED", False)
    assert asked.bank.board.pulses == []


async def test_a_copy_of_what_came_too_late_to_a_locker_is_told_so_when_its_answer_was_lost(
    asked: Asked,
) -> None:
    await asked.bank.assign()
    opening = command("locker_open", {"locker": "L1", "occupancy": "O1"})
    past_ms = asked.rig.clock.monotonic_ms()
    assert (await asked.orders.command(opening, None, past_ms)).result == "EXPIRED"
    await asked.rig.written()
    await asked.rig.journal.commit(lambda ledger: ledger._db.execute("DELETE FROM answered"))
    asked.again()
    assert (await asked.orders.command(opening, None)).result == "EXPIRED"
    assert asked.bank.board.pulses == []


def test_every_verb_of_the_contract_is_known() -> None:
    contract = Path(__file__).parents[3] / "cloud_link/README.md"
    rows = [line for line in contract.read_text().splitlines() if line.startswith("| `")]
    verbs = {row.split("`")[1] for row in rows[rows.index(_first(rows)) :]}
    assert set(ARGUMENTS) <= verbs


def _first(rows: list[str]) -> str:
    return next(row for row in rows if row.startswith("| `door_open`"))
