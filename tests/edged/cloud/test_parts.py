"""From parts to rules: all of it as the manifest says, or a word for what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edged.cloud import limits, parts
from edged.cloud.parts import Store, Unfit
from edged.errors import RulesFaulty
from edged.rulebook.file import RuleSet
from edged.store.limits import MEMBERS
from tests.edged.cloud import sets
from tests.edged.cloud.chain import spell
from tests.edged.fakes import NOON

AIKO = {"member": "aiko", "device": "front-in", "at": NOON.isoformat()}
LET_IN = {**AIKO, "used": [], "expect": {"verdict": "ALLOW", "reason": "OK"}}
Parts = dict[str, bytes]


def assemble(
    folder: Path,
    made: Parts,
    whole: sets.Document | None = None,
    *,
    put: Parts | None = None,
    **other: Any,
) -> RuleSet:
    sets.put(made if put is None else put, folder)
    manifest = sets.manifest(whole or sets.document(2), made, **other)
    return parts.assemble(manifest, Store(folder))


def whole_parts(count: int = 4, vectors: list[Any] | None = None) -> Parts:
    return sets.in_parts(sets.document(2), count, vectors)


@pytest.mark.parametrize("count", [1, 2, 4, 64])
def test_parts_become_the_rules_they_were_cut_from(tmp_path: Path, count: int) -> None:
    found = assemble(tmp_path, whole_parts(count))
    assert found.fingerprint == sets.fingerprint(sets.document(2))
    assert found.rules.version == 2
    assert set(found.records) == set(sets.document(2)["members"])


def test_the_vectors_are_asked(tmp_path: Path) -> None:
    denied = {**LET_IN, "expect": {"verdict": "DENY", "reason": "SUSPENDED"}}
    assemble(tmp_path, whole_parts(vectors=[LET_IN]))
    with pytest.raises(Unfit, match=r"vectors\[1\]: the answer is ALLOW OK"):
        assemble(tmp_path, whole_parts(vectors=[LET_IN, denied]))


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        ({**LET_IN, "member": "nobody"}, r"vectors\[0\]: asks about a device or member"),
        ({**LET_IN, "device": "roof"}, r"vectors\[0\]: asks about a device or member"),
        ({**LET_IN, "at": "noon"}, "at or used"),
        ({**LET_IN, "at": "2026-11-04T03:00:00"}, "no zone"),
        ({**LET_IN, "used": ["C-aiko"]}, "at or used"),
        ({**LET_IN, "more": 1}, "vectors: are none"),
        (5, "vectors: are none"),
    ],
)
def test_a_vector_that_is_none_refuses_the_set(tmp_path: Path, vector: object, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        assemble(tmp_path, whole_parts(vectors=[vector]))


def test_used_keys_of_a_vector_count(tmp_path: Path) -> None:
    used = [f"C-aiko/DAY/2026-11-0{n}" for n in (1, 2, 3)]
    assemble(tmp_path, whole_parts(vectors=[{**LET_IN, "used": used}]))


Change = Callable[[Parts], Parts]


def swapped(made: Parts) -> Parts:
    return {**made, "members/0": made["members/1"], "members/1": made["members/0"]}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda made: {**made, "members/4": b"{}"}, "members stand in 1, 2, 4"),
        (lambda made: {k: v for k, v in made.items() if k != "base"}, "there is no base"),
        (swapped, "a member stands in the wrong part"),
        (lambda made: {**made, "base": b"{}"}, "base: this release reads"),
        (lambda made: {**made, "base": b'{"a":1.5}'}, "base: 1.5 is not a whole number"),
        (lambda made: {**made, "members/0": b"[]"}, "members/0: not an object"),
        (lambda made: {**made, "members/0": b'{"a":{},"a":{}}'}, "members/0: not a JSON object"),
    ],
)
def test_what_is_not_laid_out_as_it_should_be_is_named(
    tmp_path: Path, change: Change, why: str
) -> None:
    with pytest.raises(Unfit, match=why):
        assemble(tmp_path, change(whole_parts()))


def test_a_part_that_is_another_is_never_used(tmp_path: Path) -> None:
    made = whole_parts()
    sets.put(made, tmp_path)
    manifest = sets.manifest(sets.document(2), made)
    victim = Store(tmp_path).whole(manifest.parts[0].sha256)
    boast = bytes.fromhex("28b52ffd e0") + (2**50).to_bytes(8, "little") + b"much"
    for other in (sets.pack(b"{}"), b"rubbish", sets.pack(bytes(10_000_000)), boast):
        victim.write_bytes(other)
        with pytest.raises(Unfit, match="base: "):
            parts.assemble(manifest, Store(tmp_path))
    victim.unlink()
    with pytest.raises(Unfit, match="base: "):
        parts.assemble(manifest, Store(tmp_path))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"version": 3}, "base: version is not"),
        ({"tenant": "other"}, "base: tenant is not"),
        ({"fingerprint": "ab" * 32}, "fingerprint: is not"),
    ],
)
def test_what_the_manifest_says_otherwise_is_named(
    tmp_path: Path, other: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unfit, match=why):
        assemble(tmp_path, whole_parts(), **other)


def test_members_do_not_stand_in_the_base(tmp_path: Path) -> None:
    whole = sets.document(2)
    made = {**whole_parts(), "base": spell(whole)}
    with pytest.raises(Unfit, match="members have parts of their own"):
        assemble(tmp_path, made)


def test_rules_with_a_fault_are_refused_with_its_name(tmp_path: Path) -> None:
    whole = sets.document(2)
    name, member = next(iter(whole["members"].items()))
    whole["members"] = {**whole["members"], name: {**member, "handle": "x"}}
    with pytest.raises(RulesFaulty, match=f"members.{name}.handle"):
        assemble(tmp_path, sets.in_parts(whole), whole)


def test_a_set_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SET_BYTES", 100)
    with pytest.raises(Unfit, match="more than 100 bytes in all"):
        assemble(tmp_path, whole_parts())
    monkeypatch.setattr(limits, "SET_BYTES", 10**9)
    monkeypatch.setattr(limits, "MEMBERS", 1)
    with pytest.raises(Unfit, match="members: more than 1"):
        assemble(tmp_path, whole_parts())
    assert MEMBERS == 200_000


def test_what_is_not_named_any_more_is_swept(tmp_path: Path) -> None:
    old, new = whole_parts(1), whole_parts(2)
    sets.put(old, tmp_path)
    sets.put(new, tmp_path)
    store, manifest = Store(tmp_path), sets.manifest(sets.document(2), new)
    store.growing("ab" * 32).write_bytes(b"x")
    assert store.missing(sets.manifest(sets.document(2), whole_parts(8))) != []
    store.sweep(manifest)
    assert store.missing(manifest) == []
    assert len(list(tmp_path.iterdir())) == len(new)


def test_a_part_of_the_same_size_that_is_another_is_never_used(tmp_path: Path) -> None:
    made = whole_parts()
    manifest = sets.manifest(sets.document(2), made)
    sets.put(made, tmp_path)
    other = sets.pack(bytes(len(made["base"])))
    Store(tmp_path).whole(manifest.parts[0].sha256).write_bytes(other)
    with pytest.raises(Unfit, match="base: does not have its hash"):
        parts.assemble(manifest, Store(tmp_path))


def test_no_part_is_named_twice(tmp_path: Path) -> None:
    made = whole_parts()
    manifest = sets.manifest(sets.document(2), made)
    sets.put(made, tmp_path)
    twice = manifest.model_copy(update={"parts": [*manifest.parts, manifest.parts[1]]})
    with pytest.raises(Unfit, match="a name stands twice"):
        parts.assemble(twice, Store(tmp_path))


def test_vectors_are_a_list_and_not_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "VECTORS", 1)
    assemble(tmp_path, whole_parts(vectors=[LET_IN]))
    for made in (whole_parts(vectors=[LET_IN] * 2), {**whole_parts(), "vectors": b"{}"}):
        with pytest.raises(Unfit, match="vectors: a list of at most 1"):
            assemble(tmp_path, made)


def test_a_vector_at_the_way_out_is_asked_of_the_way_out(tmp_path: Path) -> None:
    stopped = {
        **LET_IN,
        "member": "dan",
        "expect": {"verdict": "DENY", "reason": "MEMBER_SUSPENDED"},
    }
    let_out = {"verdict": "ALLOW", "reason": "OK_WITH_WARNING"}
    out = {**stopped, "device": "front-out", "expect": let_out}
    assemble(tmp_path, whole_parts(vectors=[stopped, out]))
    with pytest.raises(Unfit, match=r"vectors\[0\]: the answer is ALLOW OK_WITH_WARNING"):
        assemble(tmp_path, whole_parts(vectors=[{**stopped, "device": "front-out"}]))


def test_a_used_key_has_a_store_or_none_and_nothing_behind_it(tmp_path: Path) -> None:
    key = "C-aiko/DAY/2026-11-01"
    assemble(tmp_path, whole_parts(vectors=[{**LET_IN, "used": [key, f"{key}/S1"]}]))
    with pytest.raises(Unfit, match="at or used"):
        assemble(tmp_path, whole_parts(vectors=[{**LET_IN, "used": [f"{key}/S1/more"]}]))
