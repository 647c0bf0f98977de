"""From a claim to one identity, however it is cut."""

import json
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from cloud_link.admission import NotOurs
from cloud_link.claim import claim_key
from cloud_link.enrol import Identity, Phase, Slot
from edged.cloud.files import trust_file
from edged.errors import EnrolmentRefused, NotFound, Untrusted
from edged.identity.slots import Slots
from tests.edged.identity.books import Books, Cut, adopt, claim, course, opened, tell
from tests.hil.cloud.world import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return opened(tmp_path / "cloud")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def folders(state: Path) -> list[str]:
    return sorted(path.name for path in (state / "cloud/identity").iterdir())


async def test_a_claim_makes_an_identity(office: Office, state: Path) -> None:
    made, books = course(state), Books(office, state)
    await made.claim(claim_key(claim(office)), None)
    await made.run(books, tell)
    assert made.identity == Identity(Phase.ACTIVE, Slot.A)
    assert books.proven == [Slot.A]
    assert trust_file(state).read_bytes() == (office.folder / "trust.json").read_bytes()
    assert Slots(state).certificate(Slot.A).name == "gate-1"
    files = [path for path in (state / "cloud").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert folders(state) == ["a", "identity.json"]
    assert json.loads((state / "cloud/identity/identity.json").read_text())["claim"] is None


@pytest.mark.threat("G1")
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
async def test_what_was_cut_goes_on_where_it_was(
    office: Office, state: Path, place: str, call: int
) -> None:
    code, calls = claim(office), []

    def cut() -> None:
        calls.append(place)
        if len(calls) == call:
            raise Cut

    books = Books(office, state)
    setattr(books, place, cut)
    begun = course(state)
    await begun.claim(claim_key(code), None)
    with pytest.raises(Cut):
        await begun.run(books, tell)
    again = course(state)
    assert again.identity == begun.identity
    await again.run(books, tell)
    assert again.identity == Identity(Phase.ACTIVE, Slot.A)
    assert office.listed("gate-1")["alarms"] == ["ABSENT"], "and no CLAIMED_TWICE"


@pytest.mark.threat("G1")
async def test_an_identity_anew_keeps_the_old_one_until_it_is_proven(
    office: Office, state: Path
) -> None:
    made = course(state)
    await made.claim(claim_key(claim(office)), None)
    await made.run(Books(office, state), tell)
    old = Slots(state).certificate(Slot.A)
    await made.claim(claim_key(claim(office)), None)

    def cut() -> None:
        raise Cut

    with pytest.raises(Cut):
        await made.run(Books(office, state, before=cut), tell)
    assert made.identity.current is Slot.A
    assert Slots(state).certificate(Slot.A) == old
    assert folders(state) == ["a", "b", "identity.json"]
    await course(state).run(Books(office, state), tell)
    assert folders(state) == ["b", "identity.json"]


@pytest.mark.threat("G2")
async def test_a_refusal_changes_nothing(office: Office, state: Path) -> None:
    made = course(state)
    claim(office)
    await made.claim(bytes(32), None)
    before = made.identity
    for _ in range(2):
        with pytest.raises(EnrolmentRefused, match="CLAIM_WRONG"):
            await made.run(Books(office, state), tell)
    assert course(state).identity.request == before.request
    assert not trust_file(state).exists()


async def test_without_a_claim_the_trust_has_to_be_named(office: Office, state: Path) -> None:
    made, said = course(state), []
    with pytest.raises(NotFound, match="needed"):
        await made.claim(None, None)
    await made.claim(None, sha256((office.folder / "trust.json").read_bytes()).hexdigest())

    books = Books(office, state, before=lambda: adopt(office))
    await made.run(books, lambda step, **_: said.append(step))
    assert said == ["key_made", "waiting", "certified", "active"]
    assert trust_file(state).exists()


async def test_another_trust_than_the_named_one_is_not_taken(office: Office, state: Path) -> None:
    made = course(state)
    await made.claim(None, "0" * 64)

    books = Books(office, state, before=lambda: adopt(office))
    with pytest.raises(NotOurs, match="not the one that was named"):
        await made.run(books, tell)
    assert not trust_file(state).exists()


def test_a_damaged_state_is_named(state: Path) -> None:
    file = state / "cloud/identity/identity.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"phase": "ACTIVE"}')
    with pytest.raises(Untrusted, match=r"identity\.json is damaged"):
        Slots(state).load()
