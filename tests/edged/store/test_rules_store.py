import asyncio
import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.store import opened
from edged.store import rules as rules_store
from edged.store.errors import FailKind, RulesRefused, SchemaTooNew, StoreFailed
from edged.store.migrations import RULES
from edged.store.rules import ACTIVE, RulesStore, activate, build
from policy.model import CodeKind

EXAMPLE = Path(__file__).parents[3] / "config" / "rules.example.json"
M1 = bytes.fromhex("00112233445566a1")
M2 = bytes.fromhex("00112233445566a2")


def rule_set(version: int = 1, **members: dict[str, Any]) -> RuleSet:
    """Make the example, in another version, with more or other members."""
    document = json.loads(EXAMPLE.read_bytes())
    document["version"] = version
    document["members"] |= members
    found = rules_file.read(json.dumps(document).encode())
    assert isinstance(found, RuleSet)
    return found


def load(folder: Path, version: int = 1, **members: dict[str, Any]) -> Path:
    path = build(rule_set(version, **members), folder)
    activate(folder, path)
    return path


@contextmanager
def altered(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


async def test_without_rules_there_are_none(tmp_path: Path) -> None:
    store = await RulesStore.open(tmp_path)
    assert (store.rules, store.version, store.fingerprint) == (None, None, None)
    assert await store.member(M1) is None
    await store.close()


async def test_what_was_built_is_what_is_read(tmp_path: Path) -> None:
    built = rule_set()
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    assert store.rules == built.rules
    assert (store.version, store.fingerprint) == (1, built.fingerprint)
    for name, member in built.members.items():
        assert await store.member(member.handle) == member
        assert await store.member_by_id(name) == member
    assert await store.member(bytes(8)) is None
    assert await store.member_by_id("nobody") is None
    await store.close()
    assert store.rules is None


async def test_a_reload_takes_the_new_rules_and_their_members(tmp_path: Path) -> None:
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    load(tmp_path, 2, M1={"handle": M1.hex(), "suspended": True})
    before = await store.member(M1)
    assert before is not None
    assert (store.version, before.suspended) == (1, False)
    await store.reload()
    after = await store.member(M1)
    assert after is not None
    assert (store.version, after.suspended) == (2, True)
    await store.close()


@pytest.mark.threat("B7")
async def test_a_member_is_never_of_other_rules_than_those_in_force(tmp_path: Path) -> None:
    """Lookups that are under way during a swap end with the new member."""
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    mixed: list[tuple[int | None, bool]] = []

    async def look() -> None:
        for _ in range(100):
            member = await store.member(M1)
            assert member is not None
            mixed.append((store.version, member.suspended))

    lookers = [asyncio.create_task(look()) for _ in range(4)]
    for version in range(2, 6):
        path = await asyncio.to_thread(
            load, tmp_path, version, M1={"handle": M1.hex(), "suspended": version % 2 == 0}
        )
        assert path.exists()
        await store.reload()
    await asyncio.gather(*lookers)
    await store.close()
    assert all(
        suspended == (version is not None and version % 2 == 0) for version, suspended in mixed
    )


@pytest.mark.threat("D5")
@pytest.mark.parametrize(
    ("version", "members", "reason"),
    [
        (1, {}, "version 2 is active"),
        (2, {"M9": {"handle": "99" * 8}}, "this version and other content"),
    ],
)
async def test_a_refused_set_leaves_the_old_one(
    tmp_path: Path, version: int, members: dict[str, Any], reason: str
) -> None:
    built_before = build(rule_set(version, **members), tmp_path)
    active = load(tmp_path, 2)
    shutil.copy(active, built_before)
    for refused in (
        lambda: activate(tmp_path, built_before),
        lambda: build(rule_set(version, **members), tmp_path),
    ):
        with pytest.raises(RulesRefused, match=reason) as caught:
            refused()
        assert caught.value.version == version
        assert (tmp_path / ACTIVE).resolve() == active
    store = await RulesStore.open(tmp_path)
    assert store.version == 2
    assert await store.member(bytes.fromhex("99" * 8)) is None
    await store.close()


@pytest.mark.threat("D5")
async def test_damaged_rules_can_be_loaded_again(tmp_path: Path) -> None:
    path = load(tmp_path)
    path.write_bytes(b"rubbish" * 1_000)
    assert load(tmp_path) == path
    store = await RulesStore.open(tmp_path)
    assert store.version == 1
    await store.close()


def test_the_same_rules_again_change_nothing(tmp_path: Path) -> None:
    load(tmp_path, 1)
    active = load(tmp_path, 2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert load(tmp_path, 2) == active
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.threat("D5")
def test_the_previous_file_is_kept_and_older_ones_are_not(tmp_path: Path) -> None:
    paths = [load(tmp_path, version) for version in (1, 2, 3)]
    assert [path.exists() for path in paths] == [False, True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [ACTIVE, paths[1].name, paths[2].name]
    )


async def test_a_build_that_was_cut_short_is_not_in_the_way(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / "rules.building").write_bytes(b"half a file")
    (tmp_path / "rules.db.new").symlink_to("nowhere")
    load(tmp_path, 2)
    store = await RulesStore.open(tmp_path)
    assert store.version == 2
    await store.close()


def test_a_swap_that_is_cut_short_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop `activate` before each thing that it does to the folder."""

    class Cut(Exception):
        pass

    def cut(*_: object, **__: object) -> None:
        raise Cut

    made = tmp_path / "made"
    made.mkdir()
    old, new = load(made, 1), build(rule_set(2), made)
    for number, step in enumerate(("symlink_to", "replace", "unlink")):
        folder = tmp_path / str(number)
        shutil.copytree(made, folder, symlinks=True)
        with monkeypatch.context() as patch:
            patch.setattr(Path, step, cut)
            with pytest.raises(Cut):
                activate(folder, folder / new.name)
        assert (folder / ACTIVE).resolve().name == old.name
        activate(folder, folder / new.name)
        assert (folder / ACTIVE).resolve().name == new.name


@pytest.mark.fault("disk-fails")
@pytest.mark.parametrize("where", ["the link", "the second connection"])
async def test_a_disk_that_fails_while_rules_are_taken_up_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    connect = sqlite3.connect

    def failing(*given: Any, **named: Any) -> Any:
        if not named.get("check_same_thread", True):
            connect("/nowhere/rules.db")
        return connect(*given, **named)

    def unread(*_: Any) -> str:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        if where == "the link":
            patched.setattr(os, "readlink", unread)
        else:
            patched.setattr(sqlite3, "connect", failing)
        with pytest.raises(StoreFailed) as failed:
            await store.reload()
    assert failed.value.kind is FailKind.IO
    assert store.version == 1
    await store.close()


async def test_a_failed_reload_keeps_the_old_rules(tmp_path: Path) -> None:
    load(tmp_path)
    store = await RulesStore.open(tmp_path)
    path = load(tmp_path, 2)
    path.write_bytes(b"rubbish" * 1_000)
    with pytest.raises(StoreFailed) as failed:
        await store.reload()
    assert failed.value.kind is FailKind.CORRUPT
    assert store.version == 1
    assert await store.member(M1) is not None
    await store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "body = x'7b7d'",
        "body = (SELECT body FROM member WHERE id = 'M2')",
        "id = 'M7'",
        "digest = zeroblob(32)",
    ],
)
async def test_a_changed_row_is_no_member(tmp_path: Path, damage: str) -> None:
    with altered(load(tmp_path)) as db:
        db.execute(f"UPDATE member SET {damage} WHERE id = 'M1'")  # noqa: S608 - a literal of this test
    store = await RulesStore.open(tmp_path)
    with pytest.raises(StoreFailed) as failed:
        await store.member(M1)
    assert failed.value.kind is FailKind.CORRUPT
    assert await store.member(M2) is not None
    await store.close()


async def test_a_row_under_another_handle_is_no_member(tmp_path: Path) -> None:
    path = load(tmp_path)
    with altered(path) as db:
        db.execute("UPDATE member SET handle = ? WHERE id = 'M1'", (bytes(8),))
    store = await RulesStore.open(tmp_path)
    with pytest.raises(StoreFailed):
        await store.member(bytes(8))
    await store.close()


@pytest.mark.parametrize(
    "damage", ["document = x'7b7d'", "digest = x''", "version = 0", "fingerprint = ''"]
)
async def test_changed_rules_are_not_opened(tmp_path: Path, damage: str) -> None:
    with altered(load(tmp_path)) as db:
        db.execute(f"UPDATE base SET {damage}")  # noqa: S608 - a literal of this test
    with pytest.raises(StoreFailed) as failed:
        await RulesStore.open(tmp_path)
    assert failed.value.kind is FailKind.CORRUPT


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a built file."""
    return build(rule_set(), tmp_path_factory.mktemp("rules")).read_bytes()


@given(at=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_never_makes_another_right(image: bytes, at: int, bit: int) -> None:
    rotten = bytearray(image)
    rotten[at % len(image)] ^= 1 << bit
    good = rule_set()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.deserialize(bytes(rotten))
        for handle, name in good.handles.items():
            with suppress(StoreFailed):
                assert opened.by_handle(handle, db) in {None, good.members[name]}
        with suppress(StoreFailed), opened._reading("the rules"):
            assert rules_file.rules_of(opened._base_row(db)[2]) == good.rules


async def test_rules_of_a_newer_release_are_refused(tmp_path: Path) -> None:
    path = load(tmp_path)
    with altered(path) as db:
        db.execute(f"PRAGMA user_version = {len(RULES) + 1}")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew):
        await RulesStore.open(tmp_path)
    assert path.read_bytes() == before


def test_a_build_without_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path)
    names = sorted(tmp_path.iterdir())
    fill = rules_store._fill

    def in_no_room(db: sqlite3.Connection, *given: Any) -> None:
        db.execute("PRAGMA max_page_count = 3")
        fill(db, *given)

    monkeypatch.setattr(rules_store, "_fill", in_no_room)
    with pytest.raises(StoreFailed) as failed:
        build(rule_set(2), tmp_path)
    assert failed.value.kind is FailKind.FULL
    assert sorted(tmp_path.iterdir()) == names


@pytest.mark.threat("B6")
async def test_thousands_of_members_are_looked_up_and_not_loaded(tmp_path: Path) -> None:
    many: dict[str, dict[str, Any]] = {
        f"N{i}": {
            "handle": i.to_bytes(8, "big").hex(),
            "contracts": [{"id": f"K{i}", "plan": "DAY8", "start": "2026-01-01"}],
        }
        for i in range(3_000)
    }
    load(tmp_path, 1, **many)
    store = await RulesStore.open(tmp_path)
    opened = store._opened
    assert opened is not None
    asked: list[str] = []
    await opened.db.run(lambda raw: raw.set_trace_callback(asked.append))
    for i in (0, 1_234, 2_999):
        member = await store.member(i.to_bytes(8, "big"))
        assert member is not None
        assert member.contracts[0].id == f"K{i}"
    assert len(asked) == 3
    plan = await opened.db.run(
        lambda raw: raw.execute(
            "EXPLAIN QUERY PLAN SELECT handle, id, body, digest FROM member WHERE handle = x''"
        ).fetchall()
    )
    assert plan[0][3] == "SEARCH member USING PRIMARY KEY (handle=?)"
    await store.close()


PIN = {"handle": "00112233445566f1", "plain": {"PIN": ["ab" * 32], "CARD": ["cd" * 32]}}


async def test_a_plain_code_leads_to_its_member_in_its_kind_only(tmp_path: Path) -> None:
    load(tmp_path, M9=PIN)
    store = await RulesStore.open(tmp_path)
    handle, pin = bytes.fromhex("00112233445566f1"), b"\xab" * 32
    assert await store.plain(CodeKind.PIN, pin) == handle
    assert await store.plain(CodeKind.CARD, pin) is None
    assert await store.plain(CodeKind.CARD, b"\xcd" * 32) == handle
    assert await store.plain(CodeKind.PIN, bytes(32)) is None
    await store.close()
    load(tmp_path, version=2)  # the person goes, and the hashes with them
    store = await RulesStore.open(tmp_path)
    assert await store.plain(CodeKind.PIN, pin) is None
    await store.close()


async def test_a_rotten_plain_code_leads_to_nobody(tmp_path: Path) -> None:
    path = load(tmp_path, M9=PIN)
    with altered(path) as db:
        db.execute("UPDATE plain SET handle = ?", (M1,))
    store = await RulesStore.open(tmp_path)
    with pytest.raises(StoreFailed) as failed:
        await store.plain(CodeKind.PIN, b"\xab" * 32)
    assert failed.value.kind is FailKind.CORRUPT
    await store.close()
