"""A small change: as good as the whole built anew, or left to that."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.cloud import limits, parts
from edged.cloud.change import _Stored, change
from edged.cloud.parts import Store, Unfit
from edged.errors import RulesFaulty
from edged.store import rules
from edged.store.errors import FailKind, StoreFailed
from tests.edged.cloud import sets
from tests.edged.fakes import NOON
from tests.edged.rig import load_rules

COUNT = 4
Members = dict[str, dict[str, Any]]


def in_seat(seat: str) -> dict[str, Any]:
    """A seat and the product that pays for it."""
    product = {"id": "P", "kind": "PERIOD_FIXED", "valid_to": "2026-12-01T00:00:00Z"}
    held = {"id": seat, "store": "S1", "product": "P", "io": "OUT"}
    return {
        "products": [{**product, "own_seat": seat}],
        "seats": [{**held, "since": "2026-11-01T00:00:00Z"}],
    }


def many(size: int = 40) -> Members:
    """Members with a contract and a seat each."""
    return {
        f"M{n}": {
            "handle": f"{n:016x}",
            "contracts": [{"id": f"C{n}", "plan": "DAY8", "start": "2025-01-01"}],
            **in_seat(str(n)),
        }
        for n in range(size)
    }


def publish(folder: Path, version: int, members: Members, **other: Any) -> tuple[Any, Store]:
    whole = sets.document(version, members=members, **other)
    made = sets.in_parts(whole, COUNT)
    sets.put(made, folder / "parts")
    return sets.manifest(whole, made), Store(folder / "parts")


def first(folder: Path, members: Members) -> None:
    """Let a set of the cloud be active."""
    folder.mkdir(exist_ok=True)
    manifest, store = publish(folder, 1, members)
    rules.activate(folder, parts.build(manifest, store, folder))


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a file of rules holds."""
    with closing(sqlite3.connect(path)) as db:
        return {
            "base": db.execute("SELECT * FROM base").fetchall(),
            "member": db.execute("SELECT * FROM member ORDER BY handle").fetchall(),
            "owned": db.execute("SELECT * FROM owned ORDER BY kind, id").fetchall(),
            "source": db.execute("SELECT * FROM source").fetchall(),
        }


def both(folder: Path, members: Members) -> tuple[Any, Any]:
    """Change, and build whole; what each made."""
    manifest, store = publish(folder, 2, members)
    changed = change(manifest, store, folder)
    assert changed is not None
    made = content(changed)
    changed.unlink()
    return made, content(parts.build(manifest, store, folder))


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["drop", "add", "stop", "move"]), st.integers(0, 60)), max_size=6
)


@settings(max_examples=25)
@given(actions=ACTIONS)
def test_a_change_is_what_the_whole_would_be(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("rules")
    first(folder, many())
    members, spare = many(), many(100)
    for what, n in actions:
        name = f"M{n}"
        if what == "drop":
            members.pop(name, None)
        elif what == "add" and f"N{n}" not in members:
            members[name] = spare[name]
        elif what == "stop" and name in members:
            members[name] = {**members[name], "suspended": True}
        elif what == "move" and name in members:  # what was one member's is another's
            members[f"N{n}"] = members.pop(name)
    made, whole = both(folder, members)
    assert made == whole


def test_nothing_that_is_in_use_is_touched(tmp_path: Path) -> None:
    first(tmp_path, many())
    active = tmp_path / str(rules.active_file(tmp_path))
    before = active.read_bytes()
    both(tmp_path, {**many(), "M1": many(50)["M45"]})
    assert active.read_bytes() == before


@pytest.mark.parametrize(
    "taken",
    [
        {"handle": f"{2:016x}"},
        {"handle": "ff" * 8, "contracts": [{"id": "C2", "plan": "DAY8", "start": "2025-01-01"}]},
        {"handle": "ff" * 8, **in_seat("2")},
    ],
)
def test_what_another_member_has_is_left_to_the_whole_which_names_it(
    tmp_path: Path, taken: dict[str, Any]
) -> None:
    first(tmp_path, many())
    homes = [parts.home(name, COUNT) for name in ("M2", "X1", "X5")]
    assert homes[1] != homes[0] == homes[2]
    manifest, store = publish(tmp_path, 2, {**many(), "X5": taken})
    with pytest.raises(RulesFaulty, match="has it already"):  # in one part, it shows there
        change(manifest, store, tmp_path)
    manifest, store = publish(tmp_path, 2, {**many(), "X1": taken})
    assert change(manifest, store, tmp_path) is None
    with pytest.raises(RulesFaulty, match="has it already"):
        parts.build(manifest, store, tmp_path)


def test_other_rules_are_built_whole(tmp_path: Path) -> None:
    first(tmp_path, many())
    manifest, store = publish(tmp_path, 2, many(), settings={"debounce_s": 9})
    assert change(manifest, store, tmp_path) is None


def test_other_parts_are_built_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first(tmp_path, many())
    monkeypatch.setattr("tests.edged.cloud.test_change.COUNT", 8)
    manifest, store = publish(tmp_path, 2, many())
    assert change(manifest, store, tmp_path) is None


def test_rules_of_a_file_are_built_whole(tmp_path: Path) -> None:
    load_rules(tmp_path, 1)
    manifest, store = publish(tmp_path, 2, many())
    assert change(manifest, store, tmp_path) is None


def test_without_rules_they_are_built_whole(tmp_path: Path) -> None:
    manifest, store = publish(tmp_path, 2, many())
    assert change(manifest, store, tmp_path) is None


def spoiled(document: Members) -> Members:
    return {**document, "M1": {**document["M1"], "handle": "x"}}


def homeless(document: Members) -> Members:
    wrong = [{"id": "C1", "plan": "P9", "start": "2025-01-01"}]
    return {**document, "M1": {**document["M1"], "contracts": wrong}}


@pytest.mark.parametrize(("spoil", "why"), [(spoiled, "handle"), (homeless, r"contracts\[0\]")])
def test_a_member_with_a_fault_refuses_the_set(
    tmp_path: Path, spoil: Callable[[Members], Members], why: str
) -> None:
    first(tmp_path, many())
    manifest, store = publish(tmp_path, 2, spoil(many()))
    with pytest.raises(RulesFaulty, match=why):
        change(manifest, store, tmp_path)


def test_what_is_not_as_the_manifest_says_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(tmp_path, many())
    manifest, store = publish(tmp_path, 2, many(39))
    with pytest.raises(Unfit, match="fingerprint"):
        change(manifest.model_copy(update={"fingerprint": "ab" * 32}), store, tmp_path)
    monkeypatch.setattr(limits, "MEMBERS", 38)
    with pytest.raises(Unfit, match="more than 38"):
        change(manifest, store, tmp_path)


def test_bit_rot_in_what_did_not_change_refuses_the_set(tmp_path: Path) -> None:
    first(tmp_path, many())
    active = tmp_path / str(rules.active_file(tmp_path))
    with closing(sqlite3.connect(active)) as db:
        db.execute("UPDATE member SET body = ? WHERE id = 'M7'", (b"{}",))
        db.commit()
    manifest, store = publish(tmp_path, 2, {**many(), "M1": many(50)["M45"]})
    with pytest.raises(Unfit, match="fingerprint"):
        change(manifest, store, tmp_path)


def test_vectors_are_asked_of_all_members(tmp_path: Path) -> None:
    first(tmp_path, many())
    vector = {"member": "M3", "device": "front-in", "at": NOON.isoformat(), "used": []}
    for expect, fits in ((("ALLOW", "OK"), True), (("DENY", "OK"), False)):
        said = {**vector, "expect": dict(zip(("verdict", "reason"), expect, strict=True))}
        whole = sets.document(2, members=many())
        made = sets.in_parts(whole, COUNT, [said])
        sets.put(made, tmp_path / "parts")
        manifest, store = sets.manifest(whole, made), Store(tmp_path / "parts")
        if fits:
            assert change(manifest, store, tmp_path) is not None
        else:
            with pytest.raises(Unfit, match="vectors"):
                change(manifest, store, tmp_path)


def test_a_question_about_nobody_refuses_the_set(tmp_path: Path) -> None:
    first(tmp_path, many())
    vector = {"member": "nobody", "device": "front-in", "at": NOON.isoformat(), "used": []}
    whole = sets.document(2, members=many())
    said = {**vector, "expect": {"verdict": "ALLOW", "reason": "OK"}}
    made = sets.in_parts(whole, COUNT, [said])
    sets.put(made, tmp_path / "parts")
    with pytest.raises(Unfit, match="asks about a device or member that is not in the rules"):
        change(sets.manifest(whole, made), Store(tmp_path / "parts"), tmp_path)


def test_the_members_of_a_file_are_those_that_it_was_built_of(tmp_path: Path) -> None:
    manifest, store = publish(tmp_path, 1, many())
    whole = parts.assemble(manifest, store)
    with closing(sqlite3.connect(parts.build(manifest, store, tmp_path))) as db:
        stored = _Stored(db)
        assert dict(stored) == dict(whole.members)
        assert len(stored) == len(whole.members)
        assert stored.get("nobody") is None


@pytest.mark.parametrize("damage", ["all of it", "a table"])
def test_beside_rules_that_are_damaged_it_is_built_whole(tmp_path: Path, damage: str) -> None:
    first(tmp_path, many())
    active = tmp_path / str(rules.active_file(tmp_path))
    if damage == "all of it":
        active.write_bytes(b"rubbish" * 1_000)
    else:
        with closing(sqlite3.connect(active)) as db:
            db.execute("DROP TABLE source")
    manifest, store = publish(tmp_path, 2, many())
    assert change(manifest, store, tmp_path) is None


def test_a_base_with_a_fault_refuses_the_set(tmp_path: Path) -> None:
    first(tmp_path, many())
    manifest, store = publish(tmp_path, 2, many(), issued_at="yesterday")
    with pytest.raises(RulesFaulty, match="issued_at"):
        change(manifest, store, tmp_path)


@pytest.mark.fault("disk-full")
def test_a_change_without_room_is_told_as_such_and_leaves_what_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(tmp_path, many())
    active = tmp_path / str(rules.active_file(tmp_path))
    before = active.read_bytes()
    manifest, store = publish(tmp_path, 2, many(400))
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def in_no_room(*where: Any, **how: Any) -> sqlite3.Connection:
        db = connect(*where, **how)
        db.execute("PRAGMA max_page_count = 1")  # no more than there are
        return db

    monkeypatch.setattr(sqlite3, "connect", in_no_room)
    with pytest.raises(StoreFailed) as failed:
        change(manifest, store, tmp_path)
    assert failed.value.kind is FailKind.FULL
    assert active.read_bytes() == before
    assert rules.active_file(tmp_path) == active.name
