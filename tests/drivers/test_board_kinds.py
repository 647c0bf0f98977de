"""Every kind of board at a bus: the one that the building's configuration names, by our driver."""

from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

from drivers import registry
from hil.building.bus import board_of
from hil.building.config import BoardConfig, LockersConfig
from hil.building.lockers import Bank
from tests.drivers.bus_rigs import BusAtTerminal

KINDS = get_args(BoardConfig.model_fields["kind"].annotation)


def test_the_building_has_every_board_that_we_drive() -> None:
    assert {*KINDS, "sim"} == set(registry.LOCKER_BOARDS)


@pytest.mark.parametrize("odd", [False, True], ids=["as usual", "the other way"])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_pulse_reaches_the_locker_that_is_wired_to_it(
    tmp_path: Path, kind: str, odd: bool
) -> None:
    told: list[tuple[Any, ...]] = []
    bank = Bank(LockersConfig(count=4, opens_after_ms=0), lambda *what, **_: told.append(what))
    bit = 0 if odd else 1
    config = BoardConfig.model_validate(
        {
            "kind": kind,
            "address": 1,
            "bank": "hall",
            "first": 3,
            "locks": 2,
            "look_ms": 10,
            "hook_closed_bit": bit,
            "end_mark": odd,
            "other_codes": odd,
            "tells_unasked": odd,
        }
    )
    host = BusAtTerminal(tmp_path, [board_of(config, bank)])
    await host.plug()
    drive = partial(registry.locker_board_class(kind), port=host.where, address=1, locks=2)
    if kind in {"kerong", "kerong_6x", "board_8a"}:
        drive = partial(drive, hook_closed_bit=bit)
    async with drive("hall.board") as board:
        await board.pulse(2)
    assert told[0] == ("pulse", 4)
    assert [what for what, _ in told].count("pulse") == 1
    await host.unplug()
    bank.unplug()
