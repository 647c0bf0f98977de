"""Rule sets that are wrong in one way each, given to the daemon as if the cloud had signed them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud_link.wire import Manifest
from edged.cloud.parts import Store
from tests.edged.cloud import sets
from tests.edged.cloud.chain import spell
from tests.edged.cloud.conftest import Down
from tests.edged.fakes import NOON

Parts = dict[str, bytes]
Change = Callable[[Parts], Parts]
ASKED = {"member": "aiko", "device": "front-in", "at": NOON.isoformat(), "used": []}
LET_IN = {"verdict": "ALLOW", "reason": "OK"}
BOMB = bytes.fromhex("28b52ffd e0") + (2**50).to_bytes(8, "little") + b"much"


def part(name: str, plain: bytes) -> Change:
    return lambda made: {**made, name: plain}


def rules(**changes: Any) -> Change:
    return lambda _: sets.in_parts(sets.document(2, **changes))


def member(**changes: Any) -> Change:
    members = sets.document(2)["members"]
    return rules(members={**members, "aiko": {**members["aiko"], **changes}})


def vector(**changes: Any) -> Change:
    whole = {**ASKED, "expect": LET_IN, **changes}
    return part("vectors", spell([whole]))


def swapped(made: Parts) -> Parts:
    return {**made, "members/0": made["members/1"], "members/1": made["members/0"]}


PARTS: dict[str, Change] = {
    "no base": lambda made: {name: made[name] for name in made if name != "base"},
    "a base of another release": part("base", b"{}"),
    "a fraction": part("base", b'{"a":1.5}'),
    "not a number": part("base", b'{"a":NaN}'),
    "a number without an end": part("base", b'{"a":Infinity}'),
    "no UTF-8": part("base", b'{"a":"\xff"}'),
    "half a base": lambda made: {**made, "base": made["base"][:-1]},
    "more behind the base": lambda made: {**made, "base": made["base"] + b"{}"},
    "very deep": part("base", b"[" * 100_000 + b"]" * 100_000),
    "members in the base": part("base", spell(sets.document(2))),
    "members that are a list": part("members/0", b"[]"),
    "a member twice": part("members/0", b'{"a":{},"a":{}}'),
    "a member in the wrong part": swapped,
    "three shares of members": part("members/4", b"{}"),
    "a handle that is none": member(handle="x"),
    "a member with one thing more": member(more=1),
    "a contract of no plan": member(contracts=[{"id": "C", "plan": "NONE", "start": "2026-01-01"}]),
    "a contract that is none": member(contracts=[5]),
    "another tenant's": rules(tenant="other"),
    "one thing more": rules(more=1),
    "no stores": rules(stores={}),
    "devices that are a list": rules(devices=[]),
    "an answer that is not ours": vector(expect={"verdict": "DENY", "reason": "SUSPENDED"}),
    "a question about nobody": vector(member="nobody"),
    "a question at no door": vector(device="roof"),
    "a question at no time": vector(at="noon"),
    "a question with one thing more": vector(more=1),
    "vectors that are none": part("vectors", b"[5]"),
}
MANIFESTS: dict[str, dict[str, Any]] = {
    "of another version": {"version": 3},
    "of the version that is there": {"version": 1},
    "of another tenant": {"tenant": "other"},
    "of other content": {"fingerprint": "ab" * 32},
}
FILES: dict[str, bytes | None] = {
    "another": sets.pack(b"{}"),
    "rubbish": b"rubbish",
    "empty": b"",
    "much too large": sets.pack(bytes(10_000_000)),
    "a bomb": BOMB,
    "missing": None,
}


def content(folder: Path) -> dict[str, bytes]:
    """The rules that are in force, to the byte, and what says which they are."""
    kept = [path for path in folder.iterdir() if path.is_file()]
    return {path.name: path.read_bytes() for path in kept if path.suffix not in (".json", ".tmp")}


async def refuses(down: Down, manifest: Manifest) -> None:
    """Offer a set, which is refused and leaves the rules as they were."""
    before = content(down.folder)
    assert before
    assert await down.rules.activate(manifest) is not None
    assert content(down.folder) == before
    assert down.rules.held().version == down.rig.rules.version == 1


@pytest.mark.threat("D9")
@pytest.mark.parametrize("change", PARTS.values(), ids=PARTS)
async def test_content_that_is_wrong_is_refused(
    down: Down, change: Change, record_property: Callable[[str, object], None]
) -> None:
    made = change(sets.in_parts(sets.document(2)))
    sets.put(made, down.folder / "parts")
    await refuses(down, sets.manifest(sets.document(2), made))
    record_property("refused", 1)


@pytest.mark.threat("D9")
@pytest.mark.parametrize("said", MANIFESTS.values(), ids=MANIFESTS)
async def test_a_manifest_of_something_else_is_refused(
    down: Down, said: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    made = sets.in_parts(sets.document(2))
    sets.put(made, down.folder / "parts")
    await refuses(down, sets.manifest(sets.document(2), made, **said))
    record_property("refused", 1)


@pytest.mark.threat("D9")
@pytest.mark.parametrize("left", FILES.values(), ids=FILES)
async def test_a_part_that_is_another_is_refused(
    down: Down, left: bytes | None, record_property: Callable[[str, object], None]
) -> None:
    made = sets.in_parts(sets.document(2))
    manifest = sets.manifest(sets.document(2), made)
    sets.put(made, down.folder / "parts")
    victim = Store(down.folder / "parts").whole(manifest.parts[1].sha256)
    if left is None:
        victim.unlink()
    else:
        victim.write_bytes(left)
    await refuses(down, manifest)
    record_property("refused", 1)


async def test_the_set_that_they_were_made_of_is_taken(down: Down) -> None:
    made = sets.in_parts(sets.document(2), vectors=[{**ASKED, "expect": LET_IN}])
    sets.put(made, down.folder / "parts")
    assert await down.rules.activate(sets.manifest(sets.document(2), made)) is None
