"""The building's lockers, from their wire (hil/building/README.md)."""

import pytest

from hil.people import Observation, People, Refused
from tests.hil.process import SOON_S, Host, Process


def bare(seen: Observation) -> dict[str, object]:
    return {key: value for key, value in seen.items() if key not in {"n", "at_ms", "seen_us"}}


def moved(seen: Observation) -> bool:
    return bool(seen["what"] == "locker")


async def test_a_pulse_releases_one_latch_once(building: Process, people: People) -> None:
    async with Host(building, hello="lockers", bank="wall") as board:
        assert board.answer == {"ok": True, "count": 3, "reports_doors": True}
        shut = [await board.line() for _ in range(3)]
        assert shut == [{"channel": n, "open": False} for n in (1, 2, 3)]
        assert await board.ask({"id": 1, "pulse": 2}) == {"id": 1, "ok": True}
        assert await board.line() == {"channel": 2, "open": True}
        await people.close_locker("wall", 2)
        assert await board.line() == {"channel": 2, "open": False}
        with pytest.raises(Refused, match=r"^locked$"):
            await people.open_locker("wall", 2)
    told = [bare(seen) for seen in people.seen if seen["what"] in {"pulse", "locker"}]
    assert told == [
        {"what": "pulse", "bank": "wall", "channel": 2},
        {"what": "locker", "bank": "wall", "channel": 2, "open": True, "forced": False},
        {"what": "locker", "bank": "wall", "channel": 2, "open": False, "forced": False},
    ]


async def test_a_jammed_latch_takes_the_pulse_and_stays(building: Process, people: People) -> None:
    async with Host(building, hello="lockers", bank="wall") as board:
        for _ in range(3):
            await board.line()
        assert await board.ask({"id": 1, "pulse": 3}) == {"id": 1, "ok": True}
        with pytest.raises(Refused, match=r"^locked$"):
            await people.open_locker("wall", 3)
        await people.force_locker("wall", 3)
        assert await board.line() == {"channel": 3, "open": True}
    forced = await people.wait_for(moved, SOON_S)
    assert (forced["open"], forced["forced"]) == (True, True)


async def test_a_latch_without_a_spring_waits_to_be_pulled(
    building: Process, people: People
) -> None:
    async with Host(building, hello="lockers", bank="row") as board:
        assert board.answer == {"ok": True, "count": 1, "reports_doors": False}
        assert await board.ask({"id": 1, "pulse": 1}) == {"id": 1, "ok": True}
    state = (await people.state())["lockers"]["row"]["1"]
    assert state == {"released": True, "open": False}, "it stays released when its host is gone"
    await people.open_locker("row", 1)
    opened = await people.wait_for(moved, SOON_S)
    assert (opened["open"], opened["forced"]) == (True, False)


async def test_a_bank_has_one_host(building: Process) -> None:
    async with Host(building, hello="lockers", bank="wall"):
        async with Host(building, hello="lockers", bank="wall") as other:
            assert other.answer == {"ok": False, "error": "bank: 'wall' has a host"}
        async with Host(building, hello="lockers", bank="attic") as nobody:
            assert nobody.answer == {"ok": False, "error": "bank: there is no 'attic'"}
