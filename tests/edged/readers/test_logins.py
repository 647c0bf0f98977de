"""Who may log in at the console by a staff code, and what an attacker makes of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.api import Scan, Signal
from edged import limits
from edged.clock import ClockState
from edged.control.client import ControlRefused
from edged.core.limits import INSTALLER_MS, LOGIN_GAP_MS, LOGIN_MS, LOGIN_STAGE_MS
from edged.errors import NotFound
from edged.readers.logins import SHOWN_PREFIX, Logins
from edged.store.errors import StoreFailed
from policy.model import Reason
from tests.edged.fakes import settle, until
from tests.edged.readers.test_staff import HANDLE, shown, staff
from tests.edged.rig import Rig, running, signal

BOSS = {"staff": staff(roles=["open", "operate"])}


class Desk:
    """A reader at which somebody logs in, before the rig's own loop."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.logins = Logins(rig.ports)
        self._read = self.logins.before("front-in", "front", rig.feedbacks[0], rig.way_in.scanned)
        self._out = self.logins.before("front-out", "front", rig.feedbacks[1], rig.way_out.scanned)

    async def ask(self, do: str, **more: object) -> dict[str, Any]:
        return dict(await self.logins.order({"order": {"do": do, **more}}))

    async def begin(self) -> tuple[str, bytes]:
        """Begin a login; its ticket and its digits."""
        begun = await self.ask("begin", reader="front-in", origin="10.0.0.7")
        assert begun["result"] == "OK"
        return begun["ticket"], begun["digits"].encode()

    async def look(self, ticket: str) -> str:
        return str((await self.ask("look", ticket=ticket))["result"])

    async def read(self, text: bytes) -> Signal | None:
        """Hold a text before the reader; what its light shows then, None: nothing."""
        before = len(self.rig.light_in.shown)
        self._read(Scan(text))
        await settle()
        await self.rig.written()
        shown = self.rig.light_in.shown[before:]
        return shown[-1] if shown else None

    async def come_to(self, ticket: str, *texts: bytes) -> str:
        """Hold texts before the reader, one after another; how far the login is then."""
        for text in texts:
            await self.read(text)
            await self.rig.clock.advance(LOGIN_GAP_MS)
        return await self.look(ticket)

    def said(self) -> list[tuple[str, str | None, str]]:
        """What the audit says of logins: who, as what, with which result."""
        return [(one["staff"], one["role"], one["result"]) for one in self.rig.records("login")]


@asynccontextmanager
async def desk(folder: Path, **changes: Mapping[str, object]) -> AsyncIterator[Desk]:
    async with running(folder, **{**BOSS, **changes}) as rig:
        found = Desk(rig)
        rig._run(found.logins.run())
        yield found


async def test_the_digits_a_code_and_the_digits_log_in_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        assert await door.look(ticket) == "WAITING"
        assert await door.come_to(ticket, digits) == "ARMED"
        assert await door.come_to(ticket, shown(door.rig)) == "SHOWN"
        assert (await door.ask("enter", ticket=ticket))["result"] == "SHOWN"
        picture = SHOWN_PREFIX.encode() + digits
        assert await door.come_to(ticket, picture) == "CONFIRMED"
        entered = await door.ask("enter", ticket=ticket)
        assert (entered["staff"], entered["role"]) == ("boss", "operate")
        assert await door.ask("enter", ticket=ticket) == {"result": "OVER"}
        assert door.said() == [("boss", "operate", "SHOWN"), ("boss", "operate", "CONFIRMED")]
        assert door.rig.records("login")[0]["origin"] == "10.0.0.7"
        assert (door.rig.lock.releases, door.rig.records("passage")) == ([], [])
        lines = [one.lines[0] for one in door.rig.light_in.shown]
        assert [line.split(":")[0] for line in lines] == [
            "Console login",
            "Console login",
            "Logged in at the console",
        ]


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["open"], "open"),
        (["open", "operate"], "operate"),
        (["install"], "install"),
        (["operate", "install", "pass_lockdown"], "install"),
    ],
)
async def test_the_rules_say_what_a_login_is_worth(
    tmp_path: Path, roles: list[str], role: str
) -> None:
    async with desk(tmp_path, staff=staff(roles=roles)) as door:
        ticket, digits = await door.begin()
        await door.come_to(ticket, digits, shown(door.rig), digits)
        assert not door.logins.installer_here()
        assert (await door.ask("enter", ticket=ticket))["role"] == role
        assert door.logins.installer_here() == (role == "install")
        await door.rig.clock.advance(INSTALLER_MS)
        assert not door.logins.installer_here()


@pytest.mark.threat("D11")
async def test_a_code_that_is_shown_to_come_in_is_no_login(tmp_path: Path) -> None:
    """Whoever began a login waits for anybody of the staff to pass, and nothing comes of it."""
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        assert await door.read(shown(door.rig)) == signal(Reason.STAFF)
        assert door.rig.lock.releases == [2_000]
        assert await door.come_to(ticket, digits) == "ARMED"  # too late for that code
        assert door.said() == []


@pytest.mark.threat("D11")
async def test_a_code_that_was_used_or_is_used_again_logs_nobody_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        code = shown(door.rig)
        await door.read(code)  # comes in by it
        await door.rig.clock.advance(60_000)
        ticket, digits = await door.begin()
        assert await door.come_to(ticket, digits, code, digits) == "OVER"
        ticket, digits = await door.begin()
        second = shown(door.rig, 2)
        assert await door.come_to(ticket, digits, second) == "SHOWN"
        await door.rig.clock.advance(LOGIN_STAGE_MS)
        assert await door.look(ticket) == "OVER"
        ticket, digits = await door.begin()
        assert await door.come_to(ticket, digits, second, digits) == "OVER"
        used = ("boss", None, "CODE_USED")
        assert door.said() == [used, ("boss", "operate", "SHOWN"), used]
        assert await door.read(second) == signal(Reason.CODE_USED)


@pytest.mark.threat("D11")
async def test_one_browser_waits_at_a_reader_and_has_digits_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        again = await door.ask("begin", reader="front-in", origin="10.9.9.9")
        assert again == {"result": "BUSY"}
        await door.rig.clock.advance(LOGIN_MS)
        assert await door.look(ticket) == "OVER"
        other, _ = await door.begin()
        assert other != ticket
        wrong = b"%04d" % ((int(digits) + 1) % 10_000)
        await door.come_to(other, wrong, shown(door.rig), wrong)
        assert door.said() == []


async def test_who_held_up_the_code_comes_in_by_it_no_more(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        code = shown(door.rig)
        assert await door.come_to(ticket, digits, code, code, code) == "SHOWN"
        assert (door.rig.lock.releases, door.rig.records("passage")) == ([], [])


async def test_everybody_else_passes_meanwhile(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        await door.come_to(ticket, digits)
        assert await door.read(door.rig.code("aiko")) == signal(Reason.OK)
        assert await door.read(b"no code of ours") == signal(Reason.CODE_UNREADABLE)
        assert await door.come_to(ticket, shown(door.rig)) == "SHOWN"
        assert await door.read(shown(door.rig, 2)) == signal(Reason.STAFF)  # a colleague
        assert len(door.rig.lock.releases) == 2


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ({"active": False}, Reason.STAFF_UNKNOWN),
        ({"handle": b"nobody..".hex()}, Reason.STAFF_UNKNOWN),
        ({"roles": ["pass_lockdown"]}, Reason.STAFF_NOT_HERE),
        ({"stores": []}, Reason.STAFF_NOT_HERE),
    ],
)
async def test_who_does_not_work_here_does_not_log_in(
    tmp_path: Path, person: dict[str, Any], reason: Reason
) -> None:
    async with desk(tmp_path, staff=staff(**person)) as door:
        ticket, digits = await door.begin()
        assert await door.come_to(ticket, digits, shown(door.rig), digits) == "OVER"
        who = HANDLE.hex() if "handle" in person else "boss"
        assert door.said() == [(who, None, reason.value)]
        assert door.rig.light_in.shown[1] == signal(reason)


async def test_a_code_of_another_time_or_store_logs_nobody_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        for nonce, code in enumerate(
            (
                shown(door.rig, ago=timedelta(minutes=11)),
                shown(door.rig, 2, store=b"store--2"),
            )
        ):
            ticket, digits = await door.begin()
            assert await door.come_to(ticket, digits, code, digits) == "OVER", nonce
        assert [result for *_, result in door.said()] == ["CODE_EXPIRED", "STAFF_NOT_HERE"]


async def test_a_clock_that_nobody_trusts_logs_nobody_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        door.rig.clock.state = ClockState.SUSPECT
        ticket, digits = await door.begin()
        assert await door.come_to(ticket, digits, shown(door.rig), digits) == "OVER"
        assert door.said() == [("boss", None, "CLOCK_UNTRUSTED")]


async def test_what_can_not_be_recorded_logs_nobody_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        await door.come_to(ticket, digits, shown(door.rig), digits)
        await door.rig.break_journal()
        with pytest.raises(StoreFailed):
            await door.ask("enter", ticket=ticket)
        assert await door.look(ticket) == "OVER"
        ticket, digits = await door.begin()
        door._read(Scan(digits))
        door._read(Scan(shown(door.rig, 2)))
        fault = signal(Reason.RECORD_FAILED)
        await until(lambda: door.rig.light_in.shown[-1:] == [fault])
        assert await door.look(ticket) == "OVER"


async def test_a_slow_disk_logs_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMMIT_S", 0.01)
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        held = await door.rig.hold_journal()
        door._read(Scan(digits))
        door._read(Scan(shown(door.rig)))
        fault = signal(Reason.RECORD_FAILED)
        await until(lambda: door.rig.light_in.shown[-1:] == [fault])
        held.let_go.set()
        assert await door.look(ticket) == "OVER"


async def test_a_fault_of_ours_reads_as_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        await door.come_to(ticket, digits)
        monkeypatch.setattr("edged.readers.scene.request", None)
        assert await door.come_to(ticket, shown(door.rig)) == "OVER"
        assert door.rig.light_in.shown[-1] == signal(Reason.INTERNAL_ERROR)


@pytest.mark.parametrize(
    "order",
    [
        {"do": "begin", "reader": "front-in"},
        {"do": "begin", "reader": "front-in", "origin": "a\nb"},
        {"do": "look"},
        {"do": "look", "ticket": 5},
        {"do": "open", "ticket": "x"},
        {"do": "enter", "ticket": "x" * 65},
        [],
    ],
)
async def test_what_is_no_order_is_refused_and_says_where(tmp_path: Path, order: object) -> None:
    async with desk(tmp_path) as door:
        with pytest.raises(ControlRefused):
            await door.logins.order({"order": order})


async def test_a_way_in_that_takes_staff_codes_is_needed(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        for reader in ("front-out", "nowhere"):
            with pytest.raises(NotFound):
                await door.ask("begin", reader=reader, origin="")


async def test_no_secret_of_a_login_is_in_what_is_printed(tmp_path: Path) -> None:
    async with desk(tmp_path) as door:
        ticket, digits = await door.begin()
        told = repr(door.logins._waiting)
    assert ticket not in told
    assert f"'{digits.decode()}'" not in told
