"""Rotating codes at a door (spec/credentials.md, R1)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.api import DeviceLost
from edged import limits
from edged.clock import ClockState
from hil.issuer import Phone
from policy.model import Reason
from tests.edged.fakes import settle
from tests.edged.readers.test_scene import HANDLE, Unsure, devices, member
from tests.edged.rig import ISSUER, STAFF_ISSUER, Rig, running, signal

OK = signal(Reason.OK)
STEP = timedelta(seconds=15)
HOUR = timedelta(hours=1)
EPOCH, NUMBER = 9, 7
PHONE = Phone("acme", EPOCH, b"\x09" * 32, HANDLE)
KEYS = {
    str(ISSUER.kid): {"role": "member", "public": ISSUER.public.hex()},
    str(STAFF_ISSUER.kid): {"role": "staff", "public": STAFF_ISSUER.public.hex()},
    str(EPOCH): {"role": "rotating"},
}
STORES = {"S1": {"tz": "Asia/Tokyo", "number": NUMBER, "bands": {"NOW": "11:00-15:00"}}}
FREE = {"id": "C-finn", "plan": "FREE", "start": "2025-01-01"}


def rules(phone: Phone = PHONE, **more: object) -> dict[str, Any]:
    """Rules that know the phone's member and its epoch."""
    secrets = {str(phone.kid): {"S1": phone.store_key(NUMBER).hex()}}
    people = member(contracts=[FREE], rotating=secrets)
    return {"keys": KEYS, "stores": STORES, "members": people, **more}


def shown(rig: Rig, *, ahead: timedelta = timedelta(0), phone: Phone = PHONE) -> bytes:
    """What the phone shows whose clock is so far ahead."""
    at_s = int((rig.clock.wall + ahead).timestamp())
    return phone.r1(NUMBER, at_s // 15).encode()


async def on(rig: Rig, steps: float) -> None:
    await rig.clock.advance(int(steps * 15_000))


async def test_a_rotating_code_lets_in_and_out(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        assert await rig.enter(shown(rig)) == OK
        assert await rig.leave(shown(rig)) == OK
        await rig.written()
        came, left = rig.records("passage")
        assert (came["code_kind"], came["member"], came["via"]) == ("R1", "finn", "plan:C-finn")
        assert (left["member"], left["warnings"]) == ("finn", [])


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda _: PHONE.r1(NUMBER + 1, 0), Reason.CODE_OTHER_STORE),
        (lambda rig: PHONE.r1(NUMBER, rig.step - 3), Reason.CODE_EXPIRED),
        (lambda rig: PHONE.r1(NUMBER, rig.step + 3), Reason.CODE_NOT_YET_VALID),
        (lambda rig: replaced(member_key=bytes(32)).r1(NUMBER, rig.step), "CODE_BAD_SIGNATURE"),
        (lambda rig: replaced(kid=8).r1(NUMBER, rig.step), Reason.CODE_UNKNOWN_KEY),
        (lambda rig: replaced(kid=ISSUER.kid).r1(NUMBER, rig.step), Reason.CODE_UNKNOWN_KEY),
        (lambda rig: replaced(tenant="acme-2").r1(NUMBER, rig.step), "CODE_BAD_SIGNATURE"),
        (lambda rig: replaced(member=b"nobody..").r1(NUMBER, rig.step), Reason.MEMBER_NOT_SYNCED),
    ],
)
async def test_what_is_not_of_here_and_now_is_refused(
    tmp_path: Path, code: Callable[[Any], str], reason: str
) -> None:
    async with running(tmp_path, **rules()) as rig:
        text = code(Now(rig)).encode()
        assert await rig.enter(text) == signal(Reason(reason))
        assert rig.lock.releases == []
        timely = reason in {Reason.CODE_EXPIRED, Reason.CODE_NOT_YET_VALID}
        assert await rig.leave(text) == (OK if timely else signal(Reason(reason)))


class Now:
    """The step that it is at the door."""

    def __init__(self, rig: Rig) -> None:
        self.step = int(rig.clock.wall.timestamp()) // 15


def replaced(**changes: Any) -> Phone:
    said = {"tenant": "acme", "kid": EPOCH, "member_key": b"\x09" * 32, "member": HANDLE}
    return Phone(**{**said, **changes})


@pytest.mark.parametrize("ahead_s", [-44, -30, -15, 0, 15, 30, 44])
@pytest.mark.threat("A14")
async def test_no_step_opens_twice_and_no_earlier_one_after_it(
    tmp_path: Path, ahead_s: int
) -> None:
    async with running(tmp_path, **rules()) as rig:
        ahead = timedelta(seconds=ahead_s)
        if ahead_s < -30:
            await on(rig, 14 / 15)  # at which that is two steps
        code, before = shown(rig, ahead=ahead), shown(rig, ahead=ahead - STEP)
        assert await rig.enter(code) == OK
        await rig.clock.advance(6_000)  # past the debounce
        rig.clock.step_wall(timedelta(seconds=-6))
        assert await rig.enter(code) == signal(Reason.CODE_USED)
        used = await rig.enter(before)
        assert used in {signal(Reason.CODE_USED), signal(Reason.CODE_EXPIRED)}
        await on(rig, 1)
        assert await rig.enter(shown(rig, ahead=ahead)) == OK


async def test_turning_the_clock_back_revives_no_code(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        codes = []
        for _ in range(3):
            codes.append(shown(rig))
            assert await rig.enter(codes[-1]) == OK
            await on(rig, 1)
        for state in (ClockState.SYNCED, ClockState.RESTORED):
            rig.clock.state = state
            for code in codes:
                rig.clock.step_wall(-STEP)
                assert await rig.enter(code) == signal(Reason.CODE_USED)
            await rig.clock.advance(60_000)
        await rig.stop_journal()
        await rig.start_journal()
        assert await rig.enter(codes[-1]) == signal(Reason.CODE_USED)


async def test_a_step_that_let_nobody_in_can_be_shown_again(tmp_path: Path) -> None:
    people = member(
        contracts=[{**FREE, "plan": "LATER"}],
        rotating={str(EPOCH): {"S1": PHONE.store_key(NUMBER).hex()}},
    )
    async with running(tmp_path, **rules(members=people)) as rig:
        code = shown(rig)
        refused = await rig.enter(code)
        await rig.clock.advance(6_000)
        assert await rig.enter(code) == refused != signal(Reason.CODE_USED)


async def test_a_step_stays_granted_when_the_door_did_not_open(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        rig.lock.refuses = DeviceLost("front.lock", "no answer")
        code = shown(rig)
        await rig.enter(code)
        await rig.written()
        rig.lock.refuses = None
        await rig.clock.advance(6_000)
        assert await rig.enter(code) == signal(Reason.CODE_USED)
        await on(rig, 1)
        assert await rig.enter(shown(rig)) == OK


async def test_a_phones_offset_is_learnt_and_no_more_than_two_steps(tmp_path: Path) -> None:
    async with running(tmp_path, **rules()) as rig:
        assert await rig.enter(shown(rig, ahead=-3 * STEP)) == signal(Reason.CODE_EXPIRED)
        assert await rig.enter(shown(rig, ahead=-2 * STEP)) == OK
        await on(rig, 6)
        assert await rig.enter(shown(rig, ahead=-4 * STEP)) == OK
        await on(rig, 6)
        assert await rig.enter(shown(rig, ahead=-5 * STEP)) == signal(Reason.CODE_EXPIRED)
        assert await rig.enter(shown(rig, ahead=2 * STEP)) == OK
        await on(rig, 6)
        assert await rig.enter(shown(rig, ahead=4 * STEP)) == OK
        assert await rig.enter(shown(rig, ahead=5 * STEP)) == signal(Reason.CODE_NOT_YET_VALID)


async def test_the_window_is_wider_by_what_the_clock_may_be_wrong(tmp_path: Path) -> None:
    async with running(tmp_path, **rules(settings={"clock_policy": "deny"})) as rig:
        unsure = Unsure(rig.clock.wall)  # a minute either way
        rig.way_in._ports = replace(rig.ports, clock=unsure)
        assert await rig.enter(shown(rig, ahead=-7 * STEP)) == signal(Reason.CODE_EXPIRED)
        assert await rig.enter(shown(rig, ahead=-6 * STEP)) == OK
        assert await rig.enter(shown(rig, ahead=7 * STEP)) == signal(Reason.CODE_NOT_YET_VALID)
        assert await rig.enter(shown(rig, ahead=6 * STEP)) == OK


@pytest.mark.parametrize("policy", ["members", "deny"])
async def test_by_an_untrusted_clock_only_what_is_over_is_over(tmp_path: Path, policy: str) -> None:
    async with running(tmp_path, **rules(settings={"clock_policy": policy})) as rig:
        rig.clock.state = ClockState.RESTORED
        rig.clock.observe(rig.clock.wall)
        may = OK if policy == "members" else signal(Reason.CLOCK_UNTRUSTED)
        assert await rig.enter(shown(rig, ahead=-3 * STEP)) == signal(Reason.CODE_EXPIRED)
        assert await rig.enter(shown(rig, ahead=24 * HOUR)) == may
        floor = rig.clock.floor
        assert floor < rig.clock.wall + HOUR  # a phone tells nobody the time
        if policy == "members":
            granted = await rig.journal.commit(lambda ledger: ledger.granted_step(HANDLE.hex()))
            assert granted is not None
            assert granted.offset == 0  # nor how wrong it is


async def test_an_ended_epoch_opens_nothing_and_a_new_one_does_at_once(tmp_path: Path) -> None:
    new = replaced(kid=10)
    secrets = {str(one.kid): {"S1": one.store_key(NUMBER).hex()} for one in (PHONE, new)}
    people = member(contracts=[FREE], rotating=secrets)
    keys = {**KEYS, "10": {"role": "rotating"}}
    async with running(tmp_path, **rules(members=people, keys=keys)) as rig:
        assert await rig.enter(shown(rig)) == OK
        assert await rig.enter(shown(rig, phone=new)) == signal(Reason.CODE_USED)  # of this step
        await on(rig, 1)
        active = rig.rules.rules
        assert active is not None
        known = {kid: key for kid, key in active.keys.items() if kid != EPOCH}
        rig.put_rules(replace(active, keys=known))
        assert await rig.enter(shown(rig)) == signal(Reason.CODE_UNKNOWN_KEY)
        assert await rig.enter(shown(rig, phone=new)) == OK


@pytest.mark.parametrize("stuck", [True, False])
async def test_members_that_cannot_be_read_keep_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stuck: bool
) -> None:
    async with running(tmp_path, **rules()) as rig:
        monkeypatch.setattr(limits, "LOOKUP_S", 0.01)
        held = await rig.hold_rules() if stuck else None
        if not stuck:
            assert rig.rules._opened is not None
            await rig.rules._opened.db.close()
        assert await rig.enter(shown(rig)) == signal(Reason.RECORD_FAILED)
        assert rig.lock.releases == []
        assert await rig.leave(shown(rig)) == OK
        assert rig.lock.releases == [2_000]
        if held is not None:
            held.let_go.set()


async def test_while_the_disk_fails_no_step_opens_twice(tmp_path: Path) -> None:
    async with running(tmp_path, **rules(settings={"disk_failure_policy": "members"})) as rig:
        first = shown(rig)
        assert await rig.enter(first) == OK
        await rig.stop_journal()
        await rig.clock.advance(6_000)
        assert await rig.enter(first) == signal(Reason.CODE_USED)
        await on(rig, 1)
        second = shown(rig)
        assert await rig.enter(second) == OK
        await rig.clock.advance(6_000)
        assert await rig.enter(second) == signal(Reason.CODE_USED)
        await rig.start_journal()
        await rig.clock.advance(6_000)
        assert await rig.enter(second) == signal(Reason.CODE_USED)  # whether or not it is written
        await rig.written()
        await rig.clock.advance(6_000)
        assert await rig.enter(second) == signal(Reason.CODE_USED)


async def test_a_door_that_does_not_take_them_refuses_them(tmp_path: Path) -> None:
    async with running(tmp_path, **rules(devices=devices(codes=["M1", "F1"]))) as rig:
        assert await rig.enter(shown(rig)) == signal(Reason.CODE_KIND_NOT_ACCEPTED)


async def test_neither_the_code_nor_its_key_is_kept_or_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path, **rules()) as rig:
        code, forged = shown(rig), replaced(member_key=bytes(32)).r1(NUMBER, 1).encode()
        await rig.enter(code)
        await rig.enter(forged)
        await settle()
        await rig.written()
        kept = b"".join(path.read_bytes() for path in rig.path.parent.glob("journal.db*"))
        rig.witness.publish({"event": "mark"})
        _, heard = await rig.watcher.take()
        said = "".join(capfd.readouterr()) + str(heard) + repr(rig.rules.rules)
        someone = await rig.rules.member(HANDLE)
        said += repr(someone)
        for secret in (code, forged):
            assert secret[3:30] not in kept
            assert secret[3:30].decode() not in said
        key = PHONE.store_key(NUMBER)
        assert key not in kept
        assert key.hex() not in said + kept.decode("latin-1")
        assert str(key)[2:20] not in said
