"""The link as a part of the daemon: what is wrong with it is an alarm, and no door's business."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud_link.ports import Connection
from cloud_link.verify import Why
from drivers.api import Header
from edged import limits
from edged.cloud.files import device_key, trust_file
from edged.cloud.service import CloudLink, Dice
from edged.cloud.trusting import pin_file
from edged.commission.desk import CommissionDesk
from edged.ports import Outside
from edged.readers.logins import Logins
from edged.records.keeping import Keeping
from edged.settings.model import Settings
from edged.wiring import House
from hil.byzantine.tenant import Tenant
from policy.model import Reason
from tests.edged.cloud.test_trusting import CLOUD
from tests.edged.fakes import WITHIN_S, settle, until
from tests.edged.lockers.test_desk import settings as made
from tests.edged.rig import Rig, running, signal

Making = Callable[[Rig], CloudLink]


def settings(folder: Path) -> Settings:
    """A device whose broker nobody answers at, and whose certificates are not there."""
    return made(folder, cloud={**CLOUD, "host": "127.0.0.1", "port": 1})


@asynccontextmanager
async def linked(rig: Rig, folder: Path, asked: Settings | None = None) -> AsyncIterator[CloudLink]:
    """Run the link's side of a rig's daemon."""
    asked = asked or settings(folder)
    assert asked.cloud is not None
    header = Header("header", folder, folder)
    desk = CommissionDesk(None, asked, rig.ports, lambda: False)
    house = House(header, rig.emergency, Logins(rig.ports), desk, gates={"front": rig.gate})
    keeping = Keeping(rig.ports, "S1", "0.1.0", {})
    link = CloudLink(asked, asked.cloud, rig.ports, house, keeping, dict)
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await link.close()


def pin(folder: Path) -> None:
    document = folder / "trust"
    document.write_bytes(Tenant("acme").trust(1, datetime(2026, 11, 4, tzinfo=UTC)))
    pin_file(settings(folder), document, replace=False)


def cause(rig: Rig) -> str | None:
    found = [one for one in rig.alarms.listing() if one["alarm"] == "LINK_FAILED"]
    return found[0]["cause"] if found else None


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(tmp_path) as found:
        yield found


async def test_a_device_that_trusts_nobody_says_so_and_its_doors_go_on(
    rig: Rig, tmp_path: Path
) -> None:
    async with linked(rig, tmp_path) as link:
        await until(lambda: cause(rig) is not None)
        assert "trusts nobody yet" in str(cause(rig))
        assert await rig.enter(rig.code()) == signal(Reason.OK)
        assert not (await link.status())["connected"]


async def test_a_device_that_is_not_enrolled_says_so(rig: Rig, tmp_path: Path) -> None:
    cloud = {"host": "127.0.0.1", "port": 1, "tenant": "acme", "ca_file": "/nowhere"}
    async with linked(rig, tmp_path, made(tmp_path, cloud=cloud)):
        await until(lambda: cause(rig) is not None)
        assert "edged provision" in str(cause(rig))


async def test_what_was_put_right_is_tried_again(rig: Rig, tmp_path: Path) -> None:
    async with linked(rig, tmp_path):
        await until(lambda: cause(rig) is not None)
        pin(tmp_path)
        await rig.clock.advance(limits.LINK_AGAIN_MS)
        await until(lambda: cause(rig) is None)


@pytest.mark.parametrize("spoil", ["trust", "key"])
async def test_a_file_that_is_spoiled_is_named(rig: Rig, tmp_path: Path, spoil: str) -> None:
    pin(tmp_path)
    device_key(tmp_path)
    path = {"trust": trust_file(tmp_path), "key": tmp_path / "cloud/device-key.pem"}[spoil]
    path.write_bytes(b"r4bbish")
    async with linked(rig, tmp_path):
        await until(lambda: cause(rig) is not None)
    assert "r4bbish" not in str(cause(rig))


async def test_a_fault_of_ours_is_an_alarm_and_the_link_is_begun_anew(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(tmp_path)
    faults = iter([ZeroDivisionError("ours"), None])

    async def opened(_: object) -> None:
        if (fault := next(faults, None)) is not None:
            raise fault

    monkeypatch.setattr("edged.cloud.rules_down.RulesDown.open", opened)
    async with linked(rig, tmp_path):
        await until(lambda: cause(rig) is not None)
        assert "ours" in str(cause(rig))
        await rig.clock.advance(limits.LINK_AGAIN_MS)
        await until(lambda: cause(rig) is None)


class Doomed:
    """A way to the broker that fails as no network does. `boots`: whose wills it was given."""

    def __init__(self) -> None:
        self.boots: list[str] = []

    @asynccontextmanager
    async def connect(self, will: bytes) -> AsyncIterator[Connection]:
        said = json.loads(base64.b64decode(json.loads(will)["payload"]))
        self.boots.append(said["boot"])
        if self.boots:
            raise ZeroDivisionError("ours")
        yield await asyncio.get_running_loop().create_future()


async def test_a_link_that_begins_anew_is_another_boot(rig: Rig, tmp_path: Path) -> None:
    """Found by the simulation: its sessions began anew under the old boot, and were no news."""
    pin(tmp_path)
    way = Doomed()
    rig.ports = replace(rig.ports, outside=Outside(Dice(), way))
    async with linked(rig, tmp_path), asyncio.timeout(WITHIN_S):
        while len(way.boots) < 2:
            await rig.clock.advance(limits.LINK_AGAIN_MS)
            await settle()
    assert way.boots[0] != way.boots[1]


async def test_what_is_not_the_clouds_word_is_summed_up(rig: Rig, tmp_path: Path) -> None:
    pin(tmp_path)
    async with linked(rig, tmp_path) as link:
        link.sum_up()
        await until(lambda: link._inbox is not None)
        assert link._inbox is not None
        await link._inbox.rejected(Why.SIGNATURE, 3)
        await link._inbox.rejected(Why.RETAINED, 1)
        await link._inbox.rejected(Why.SIGNATURE, 2)
        link.sum_up()
        link.sum_up()
        await rig.written()
    (record,) = rig.records("not_taken")
    assert record["counts"] == {"SIGNATURE": 5, "RETAINED": 1}


async def test_the_status_says_where_the_audit_is(rig: Rig, tmp_path: Path) -> None:
    pin(tmp_path)
    async with linked(rig, tmp_path) as link:
        await rig.enter(rig.code())
        await rig.written()
        told = await link.status()
    assert (told["host"], told["connected"], told["fresh_s"]) == ("127.0.0.1:1", False, None)
    assert told["acknowledged"] == 0
    assert told["usage"] == {"position": 0, "as_of": None}
    assert isinstance(told["records"], int)
    assert told["records"] > 0


async def test_the_status_is_told_where_the_journal_can_not_be_read(
    rig: Rig, tmp_path: Path
) -> None:
    async with linked(rig, tmp_path) as link:
        await link.close()
        link._outbox.path = tmp_path / "nowhere.db"
        told = await link.status()
    assert not told["connected"]
    assert "unable to open" in str(told["journal"])


def test_chance_is_within_its_bounds() -> None:
    dice = Dice()
    assert len(bytes.fromhex(dice.nonce())) == 16
    assert dice.nonce() != dice.nonce()
    assert {dice.below_ms(1) for _ in range(100)} == {0, 1}
