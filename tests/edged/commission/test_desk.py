"""What the console asks of commissioning: a walk in a process of its own, and its report."""

from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event

import pytest

from edged.commission import limits
from edged.commission.desk import CommissionDesk
from edged.commission.keeping import ENVELOPE, PAGE, report_folder
from edged.control.client import ControlRefused
from edged.errors import NotFound
from tests.edged.fakes import until
from tests.edged.rig import Rig
from tests.edged.test_wiring import settings

PROGRAM = """#!/bin/sh
echo "$@" >> {folder}/told
exec sleep 30
"""


@pytest.fixture
def here() -> Event:
    """Set while an installer is at a reader."""
    return Event()


@pytest.fixture
async def desk(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Event
) -> AsyncIterator[CommissionDesk]:
    """A desk whose `edged` writes down how it was called, and stays."""
    program = tmp_path / "edged"
    program.write_text(PROGRAM.format(folder=tmp_path))
    program.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    configured = settings(tmp_path / "state")
    found = CommissionDesk(tmp_path / "edged.toml", configured, rig.ports, here.is_set)
    yield found
    await found.close()


async def begin(desk: CommissionDesk, *, anew: bool = False) -> object:
    return (await desk.order({"order": {"do": "begin", "by": "kim", "anew": anew}}))["result"]


async def test_one_walk_at_a_time_is_begun_in_the_name_of_who_asks(
    desk: CommissionDesk, rig: Rig
) -> None:
    assert (await begin(desk), await begin(desk)) == ("OK", "RUNNING")
    await desk.close()
    assert await begin(desk, anew=True) == "OK"
    await rig.written()
    told = [(one["verb"], one["by"]) for one in rig.records("command")]
    assert told == [("commission", "kim")] * 2


async def test_a_walk_goes_by_the_daemon_s_own_settings(
    desk: CommissionDesk, tmp_path: Path
) -> None:
    await begin(desk, anew=True)
    told = tmp_path / "told"
    await until(lambda: told.exists() and told.read_text().endswith("\n"))
    config = tmp_path / "edged.toml"
    assert told.read_text() == f"commission --config {config} --pages=kim --anew\n"


@pytest.mark.threat("D11")
async def test_doors_that_were_walked_need_an_installer_at_a_reader(
    desk: CommissionDesk, tmp_path: Path, here: Event
) -> None:
    folder = report_folder(tmp_path / "state")
    folder.mkdir(parents=True)
    (folder / ENVELOPE).write_text("{}")
    assert await begin(desk, anew=True) == "NOT_HERE"
    assert not (tmp_path / "told").exists()
    here.set()
    assert await begin(desk) == "OK"


async def test_a_report_is_given_in_pieces(
    desk: CommissionDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REPORT_CHARS", 4)
    ask = {"do": "report", "what": "page", "after": 0}
    with pytest.raises(NotFound):
        await desk.order({"order": ask})
    folder = report_folder(tmp_path / "state")
    folder.mkdir(parents=True)
    (folder / PAGE).write_text("<html>")
    (folder / ENVELOPE).write_text("{}")
    assert await desk.order({"order": ask}) == {"text": "<htm", "more": True}
    assert await desk.order({"order": {**ask, "after": 4}}) == {"text": "l>", "more": False}
    whole = await desk.order({"order": {**ask, "what": "envelope"}})
    assert whole == {"text": "{}", "more": False}


@pytest.mark.threat("D11")
@pytest.mark.parametrize(
    "order",
    [
        {"do": "begin", "by": "kim"},
        {"do": "begin", "by": "kim", "anew": "yes"},
        {"do": "begin", "by": "a b", "anew": False},
        {"do": "report", "what": "../key", "after": 0},
        {"do": "report", "what": "page", "after": -1},
        {"do": "run"},
    ],
)
async def test_what_is_no_order_is_refused(desk: CommissionDesk, order: object) -> None:
    with pytest.raises(ControlRefused):
        await desk.order({"order": order})


async def test_a_daemon_that_no_file_began_begins_no_walk(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await begin(CommissionDesk(None, settings(tmp_path), rig.ports, lambda: True))
