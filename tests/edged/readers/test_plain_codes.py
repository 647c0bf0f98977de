"""Plain codes at a door: looked up, guessed, and the PIN beside a card."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.api import Scan, Signal
from edged.core.limits import GUESS_DELAY_MS, GUESSES_ALARM, GUESSES_QUIET_MS
from edged.rulebook.file import ShapeCode
from policy.model import Reason
from tests.edged.fakes import settle, until
from tests.edged.readers.test_rotating import FREE
from tests.edged.readers.test_scene import HANDLE, devices, member
from tests.edged.rig import STAFF_ISSUER, Rig, running, signal
from tests.edged.rulebook.test_file import faults, spelled

OK, UNKNOWN, UNREADABLE = (
    signal(reason) for reason in (Reason.OK, Reason.MEMBER_UNKNOWN, Reason.CODE_UNREADABLE)
)
TEXTS = {
    "BARCODE": "GYM-0000123",
    "LOYALTY": "2910000000017",
    "CARD": "0004711A",
    "PHONE": "01012345678",
    "PIN": "481516",
}
PATTERNS = {
    "BARCODE": {"min_chars": 8, "max_chars": 20, "alphabet": "printable"},
    "LOYALTY": {"min_chars": 13, "max_chars": 13},
    "CARD": {"min_chars": 8, "max_chars": 8, "alphabet": "letters_and_digits"},
    "PHONE": {"min_chars": 10, "max_chars": 11},
    "PIN": {"min_chars": 6, "max_chars": 6},
}
ANYTHING = {"min_chars": 4, "max_chars": 64, "alphabet": "printable"}
CARD = STAFF_ISSUER.t2(b"boss....", 1).encode()
BOSS_PIN = "314159"


def hashed(text: str) -> str:
    """As the rig's daemon hashes with its pepper."""
    return hashlib.sha256(b"pepper" + text.encode()).hexdigest()


def rules(*kinds: str, **more: object) -> dict[str, Any]:
    codes = {"codes": [*kinds, "T2", "F1"]}
    people = member(contracts=[FREE], plain={kind: [hashed(text)] for kind, text in TEXTS.items()})
    boss = {"handle": b"boss....".hex(), "roles": ["open"], "pin_hash": hashed(BOSS_PIN)}
    return {
        "plain": PATTERNS,
        "members": people,
        "staff": {"boss": boss},
        "devices": {
            "front-in": {**devices()["front-in"], **codes, **more},
            "front-out": {**devices()["front-out"], **codes},
        },
    }


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_plain_code_leads_to_its_member(tmp_path: Path, kind: str) -> None:
    async with running(tmp_path, **rules(kind)) as rig:
        text = TEXTS[kind].encode()
        assert await rig.enter(text) == OK
        assert await rig.leave(text) == OK
        await rig.written()
        for passage in rig.records("passage"):
            assert (passage["code_kind"], passage["member"]) == (kind, "finn")
            assert passage["warnings"] == []


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_door_takes_no_plain_code_unless_it_lists_it(tmp_path: Path, kind: str) -> None:
    others = [other for other in TEXTS if other != kind]
    async with running(tmp_path, **rules(*others)) as rig:
        shown = await rig.enter(TEXTS[kind].encode())
        assert rig.lock.releases == []
        assert shown in {signal(Reason.CODE_KIND_NOT_ACCEPTED), UNKNOWN}
    said = rules()
    for device in said["devices"].values():
        del device["codes"]
    (tmp_path / "all").mkdir()
    async with running(tmp_path / "all", **said) as rig:
        assert await rig.enter(TEXTS[kind].encode()) == signal(Reason.CODE_KIND_NOT_ACCEPTED)


@pytest.mark.parametrize("kind", TEXTS)
async def test_a_code_of_one_kind_is_none_of_another(tmp_path: Path, kind: str) -> None:
    said = rules(kind)
    said["plain"] = {name: {**ANYTHING} for name in TEXTS}
    async with running(tmp_path, **said) as rig:
        for other, text in TEXTS.items():
            await rig.clock.advance(60_000)
            assert await rig.enter(text.encode()) == (OK if other == kind else UNKNOWN)


async def test_who_is_gone_leaves_no_plain_code(tmp_path: Path) -> None:
    async with running(tmp_path, **{**rules("PIN"), "members": {}}) as rig:
        text = TEXTS["PIN"].encode()
        assert await rig.enter(text) == UNKNOWN
        assert await rig.leave(text) == UNKNOWN
        await rig.written()
        assert rig.lock.releases == []
        assert rig.records("passage") == []


async def test_a_garbled_signed_code_is_no_plain_one(tmp_path: Path) -> None:
    said = rules("BARCODE")
    said["plain"] = {"BARCODE": ANYTHING}
    async with running(tmp_path, **said) as rig:
        assert await rig.enter(b"R1:0123") == UNREADABLE
        assert rig.way_in._reading.wait_ms == 0


def test_a_member_has_a_plain_code_alone() -> None:
    twins = {
        name: {"handle": n * 8, "plain": {"PIN": ["ab" * 32]}}
        for n, name in (("11", "A"), ("22", "B"))
    }
    found = faults(spelled({"members": twins}))
    assert found == [("members.B.plain.PIN[0]", ShapeCode.DUPLICATE_PLAIN)]


# --- guesses


async def guess(rig: Rig, times: int, first: int = 100_000) -> None:
    for n in range(first, first + times):
        assert await rig.enter(b"%d" % n) == UNKNOWN


async def guess_on(rig: Rig, times: int, first: int = 100_000) -> None:
    """Guess, and let the time go by that each one has to wait."""
    for n in range(first, first + times):
        await rig.clock.advance(rig.way_in._reading.wait_ms)
        await guess(rig, 1, first=n)


def guessed(rig: Rig) -> list[str]:
    """Give the readers at which somebody tries codes out, as the alarms have it by now."""
    rig.way_in.sum_up()
    return [up["source"] for up in rig.alarms.listing() if up["alarm"] == "CODES_GUESSED"]


async def test_a_right_one_waits_no_longer_than_the_limit(tmp_path: Path) -> None:
    async with running(tmp_path, **rules("PIN")) as rig:
        await guess_on(rig, 12)
        shown = len(rig.light_in.shown)
        assert rig.way_in._reading.wait_ms > 0
        rig.way_in.scanned(Scan(TEXTS["PIN"].encode()))
        await settle()
        assert len(rig.light_in.shown) == shown
        await rig.clock.advance(GUESS_DELAY_MS[1])
        await until(lambda: len(rig.light_in.shown) > shown)
        assert rig.light_in.shown[shown] == OK


async def test_two_mistakes_cost_no_time_and_a_third_one_does(tmp_path: Path) -> None:
    async with running(tmp_path, **rules("PIN")) as rig:
        await guess(rig, 2)
        assert await rig.enter(TEXTS["PIN"].encode()) == OK
        await guess(rig, 3, first=200_000)
        rig.way_in.scanned(Scan(b"481517"))
        await until(lambda: not len(rig.way_in._mailbox))
        await settle()
        shown = len(rig.light_in.shown)
        assert shown == 6
        await rig.clock.advance(999)
        assert len(rig.light_in.shown) == shown
        await rig.clock.advance(1)
        await until(lambda: len(rig.light_in.shown) > shown)
        assert rig.way_in._reading.wait_ms == 2_000


async def test_many_in_a_row_are_an_alarm_which_a_right_one_does_not_end(tmp_path: Path) -> None:
    async with running(tmp_path, **rules("PIN")) as rig:
        await guess_on(rig, GUESSES_ALARM - 1)
        assert guessed(rig) == []
        await guess_on(rig, 1, first=200_000)
        assert guessed(rig) == ["front-in"]
        await rig.clock.advance(GUESS_DELAY_MS[1])
        assert await rig.enter(TEXTS["PIN"].encode()) == OK
        assert guessed(rig) == ["front-in"]
        await rig.clock.advance(GUESSES_QUIET_MS)
        assert guessed(rig) == []
        await rig.written()
        told = [record for record in rig.records("alarm") if record["alarm"] == "CODES_GUESSED"]
        assert [record["raised"] for record in told] == [True, False]


async def test_mistakes_with_right_ones_or_a_long_time_between_are_no_alarm(tmp_path: Path) -> None:
    async with running(tmp_path, **rules("PIN")) as rig:
        for begin in range(100_000, 100_300, 100):
            await guess_on(rig, GUESSES_ALARM - 1, first=begin)
            await rig.clock.advance(GUESS_DELAY_MS[1])
            assert await rig.enter(TEXTS["PIN"].encode()) == OK
            await rig.clock.advance(GUESS_DELAY_MS[1])
        for begin in range(200_000, 200_300, 100):
            await guess_on(rig, GUESSES_ALARM - 1, first=begin)
            await rig.clock.advance(GUESSES_QUIET_MS)
        assert guessed(rig) == []


async def test_while_one_waits_no_other_is_looked_at(tmp_path: Path) -> None:
    async with running(tmp_path, **rules("PIN")) as rig:
        await guess(rig, 3)
        for n in range(300):
            rig.way_in.scanned(Scan(b"%d" % (200_000 + n)))
            await settle()
        assert rig.way_in._reading._guesses.wrong == 3
        await rig.clock.advance(1_000)
        await until(lambda: not rig.way_in._undecided)
        assert rig.way_in._reading._guesses.wrong == 4


@pytest.mark.threat("A19")
async def test_a_code_with_a_proof_waits_for_nobodys_guesses(tmp_path: Path) -> None:
    async with running(tmp_path, **rules("PIN")) as rig:
        await guess(rig, 3)
        assert await rig.enter(CARD) == signal(Reason.STAFF)
        assert await rig.leave(TEXTS["PIN"].encode()) == OK  # another reader


# --- the PIN beside a card


@asynccontextmanager
async def guarded(folder: Path, **changes: Mapping[str, object]) -> AsyncIterator[Rig]:
    async with running(folder, **{**rules("PIN", card_pin=True), **changes}) as rig:
        yield rig


async def test_a_card_opens_with_its_pin_and_only_then(tmp_path: Path) -> None:
    async with guarded(tmp_path) as rig:
        assert await rig.enter(CARD) == signal(Reason.PIN_NEEDED)
        assert rig.lock.releases == []
        assert await rig.enter(BOSS_PIN.encode()) == signal(Reason.STAFF)
        assert rig.lock.releases == [2_000]
        [passage] = rig.records("passage")
        assert (passage["code_kind"], passage["staff"]) == ("T2", "boss")
        await rig.clock.advance(6_000)
        assert await rig.enter(BOSS_PIN.encode()) == UNKNOWN  # once a card


async def pin_after(rig: Rig, wait_ms: int, pin: str = BOSS_PIN) -> Signal:
    await rig.enter(CARD)
    await rig.clock.advance(wait_ms)
    return await rig.enter(pin.encode())


async def test_a_card_does_not_wait_for_ever(tmp_path: Path) -> None:
    async with guarded(tmp_path) as rig:
        assert await pin_after(rig, 29_999) == signal(Reason.STAFF)
        await rig.clock.advance(6_000)
        assert await pin_after(rig, 30_000) == UNKNOWN


async def test_another_pin_opens_nothing_and_a_members_own_as_ever(tmp_path: Path) -> None:
    async with guarded(tmp_path) as rig:
        assert await pin_after(rig, 0, "314158") == UNKNOWN
        assert await rig.enter(TEXTS["PIN"].encode()) == OK
        assert await rig.enter(BOSS_PIN.encode()) == signal(Reason.STAFF)


@pytest.mark.parametrize("who", [{"pin_hash": None}, {"handle": b"other...".hex()}])
async def test_whoever_has_no_pin_has_no_way_in_by_card(
    tmp_path: Path, who: dict[str, object]
) -> None:
    boss = {"handle": b"boss....".hex(), "roles": ["open"], "pin_hash": hashed(BOSS_PIN), **who}
    async with guarded(tmp_path, staff={"boss": boss}) as rig:
        assert await pin_after(rig, 0) == UNKNOWN
        assert rig.lock.releases == []


async def test_a_dismissed_persons_pin_helps_nothing(tmp_path: Path) -> None:
    boss = {
        "handle": b"boss....".hex(),
        "roles": ["open"],
        "pin_hash": hashed(BOSS_PIN),
        "active": False,
    }
    async with guarded(tmp_path, staff={"boss": boss}) as rig:
        assert await pin_after(rig, 0) == signal(Reason.STAFF_UNKNOWN)


async def test_nobody_is_asked_for_a_pin_on_the_way_out(tmp_path: Path) -> None:
    said = rules("PIN", card_pin=True)
    said["devices"]["front-out"]["card_pin"] = True
    async with running(tmp_path, **said) as rig:
        assert await rig.leave(CARD) == signal(Reason.OK)


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_no_plain_code_is_kept_or_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with guarded(tmp_path) as rig:
        await rig.enter(TEXTS["PIN"].encode())
        await rig.enter(b"271828")
        await pin_after(rig, 0)
        await rig.written()
        rig.way_in.sum_up()
        await rig.written()
        rig.witness.publish({"event": "mark"})
        _, heard = await rig.watcher.take()
        kept = everything(tmp_path)
        said = "".join(capfd.readouterr()) + str(heard) + repr(rig.rules.rules)
        for secret in (TEXTS["PIN"], "271828", BOSS_PIN):
            assert secret.encode() not in kept
            assert secret not in said
        assert HANDLE in kept
