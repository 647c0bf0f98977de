import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edged import limits
from edged.control.client import ControlRefused
from edged.control.wire import Verb
from edged.exits import Exit
from edged.settings.model import Settings
from edged.store.ledger import Ledger
from edged.store.record import GENESIS, seal
from edged.whatif.inquiry import Inquiry
from edged.whatif.readiness import room_days
from tests.edged.rig import Rig
from tests.edged.settings_files import GOOD, faults, good
from tests.edged.test_local import handlers, rules_file
from tests.edged.test_wiring import FRONT, settings

WHEN = {"occurred_at": "2026-03-02T00:00:00.000Z"}


def rows(answer: Mapping[str, object], name: str) -> list[Any]:
    found = answer[name]
    assert isinstance(found, list)
    return found


async def test_a_member_s_answer_is_given_with_its_checks(rig: Rig, tmp_path: Path) -> None:
    house = handlers(rig, tmp_path)
    await house[Verb.RULES_LOAD](rules_file(tmp_path, 5))
    answer = await house[Verb.WHY]({"member": "dan", "place": "front-in"})
    [found] = rows(answer, "answers")
    assert (found["decision"], found["reason"]) == ("DENY", "MEMBER_SUSPENDED")
    assert found["checks"][-1]["passed"] is False
    everywhere = await house[Verb.WHY]({"member": "dan", "place": ""})
    assert len(rows(everywhere, "answers")) > 1


async def test_records_come_newest_first_and_page_by_page(rig: Rig, tmp_path: Path) -> None:
    ask = handlers(rig, tmp_path)[Verb.RECORDS]
    for n in range(limits.RECORDS_SHOWN + 5):
        await rig.journal.commit(partial(Ledger.append, body={"kind": "x", "n": n}))
    newest = rows((await ask({"before": 0})), "records")
    assert [one["seq"] for one in newest][:2] == [
        limits.RECORDS_SHOWN + 5,
        limits.RECORDS_SHOWN + 4,
    ]
    assert len(newest) == limits.RECORDS_SHOWN
    older = rows((await ask({"before": newest[-1]["seq"]})), "records")
    assert [one["seq"] for one in older] == [5, 4, 3, 2, 1]
    assert (await ask({"before": 1}))["records"] == []


async def test_large_records_leave_room_on_the_line(rig: Rig, tmp_path: Path) -> None:
    ask = handlers(rig, tmp_path)[Verb.RECORDS]
    for _ in range(8):
        await rig.journal.commit(lambda ledger: ledger.append({"text": "x" * 12_000}))
    answer = await ask({"before": 0})
    assert 1 <= len(rows(answer, "records")) < 8
    assert len(json.dumps(answer)) < limits.CONTROL_LINE_BYTES


async def test_bookings_and_readiness_are_worked_out_apart(rig: Rig, tmp_path: Path) -> None:
    house = handlers(rig, tmp_path)
    strange = Inquiry(settings(tmp_path / "none", front=FRONT), rig.ports.clock)
    with pytest.raises(ControlRefused) as none:
        await strange.bookings({})
    assert none.value.code == Exit.NOT_FOUND
    await house[Verb.RULES_LOAD](rules_file(tmp_path, 5))
    assert await house[Verb.BOOKINGS]({}) == {"bookings": [], "all": 0}
    ready = await house[Verb.READINESS]({})
    assert (ready["all_members"], ready["stale"]) == (6, True)  # the sample rules are of 2026-03
    assert await house[Verb.READINESS]({}) is ready


def test_the_room_is_reckoned_by_the_pace_of_the_newest_records() -> None:
    record = seal({**WHEN}, 1, GENESIS)
    later = seal({"occurred_at": "2026-03-03T00:00:00.000Z"}, 2, record.hash)
    size = len(record.data) + len(later.data)
    assert room_days([record, later], 2 * size * 10) == 10
    assert room_days([record], 10_000) is None
    assert room_days([], 10_000) is None
    assert room_days([later, record], 10_000) is None


def test_settings_need_tls_beyond_the_loopback(tmp_path: Path) -> None:
    file = tmp_path / "edged.toml"
    found: Settings = good(file, GOOD + '[console]\nhost = "0.0.0.0"\nuser = "edged-console"\n')
    assert found.console is not None
    assert found.console.tls
    assert "console" in " ".join(faults(file, GOOD + '[console]\nhost = "0.0.0.0"\ntls = false\n'))
    assert faults(file, GOOD + '[console]\nhost = "everywhere"\n')
