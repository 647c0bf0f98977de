from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edged.core.events import LockerCommand
from edged.store import limits
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.lockers import TakenCommand
from policy.locker_model import Locker, LockerState, LockerWord, Occupancy, Progress, Release

START = datetime(2026, 11, 1, tzinfo=UTC)
USE = Occupancy("O1", "M1", START, START + timedelta(days=4))
RELEASE = Release("C1", LockerWord.FORCED_END, LockerState.WAITING, before_end=False)
FULL_USE = replace(USE, product="P1", pin_hash=bytes(range(32)), moved_from="L9", opened_late=True)


def every_kind() -> Iterator[Locker]:
    yield Locker("L1")
    yield Locker("L1", LockerState.OUT_OF_ORDER)
    yield Locker("L1", LockerState.OUT_OF_ORDER, USE)
    yield Locker("L1", LockerState.IN_USE, USE)
    yield Locker("L1", LockerState.WAITING, FULL_USE)
    for word in LockerWord:
        release = replace(RELEASE, word=word, to="L2", before_end=True)
        yield Locker("L1", LockerState.RELEASING, USE, release)
    for progress in Progress:
        yield Locker("L1", LockerState.RELEASING, USE, replace(RELEASE, progress=progress))


@pytest.mark.parametrize("locker", [*every_kind()], ids=lambda locker: locker.state.value)
async def test_a_locker_is_read_as_it_was_written(journal: Journal, locker: Locker) -> None:
    def story(ledger: Ledger) -> dict[str, Locker]:
        ledger.put_locker(Locker("L1", LockerState.WAITING, FULL_USE, RELEASE))
        ledger.put_locker(locker)
        return ledger.lockers()

    assert await journal.commit(story) == {"L1": locker}


async def test_a_command_is_known_with_its_answer(journal: Journal) -> None:
    command = LockerCommand("C1", "L1", "open", "M1", "hall-in")

    def story(ledger: Ledger) -> list[TakenCommand | None]:
        found = [ledger.taken_command("C1")]
        ledger.take_command(command)
        found.append(ledger.taken_command("C1"))
        ledger.answer_command("C1", "OK")
        return [*found, ledger.taken_command("C1")]

    assert await journal.commit(story) == [
        None,
        TakenCommand(command, None),
        TakenCommand(command, "OK"),
    ]


async def test_the_oldest_commands_are_forgotten(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOCKER_COMMANDS", 3)

    def story(ledger: Ledger) -> list[str]:
        for n in range(5):
            ledger.take_command(LockerCommand(f"C{n}", "L1", "open", "M1"))
        return [f"C{n}" for n in range(5) if ledger.taken_command(f"C{n}") is not None]

    assert await journal.commit(story) == ["C2", "C3", "C4"]
