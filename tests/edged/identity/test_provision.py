"""What an installer asks for, and what becomes of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_link.claim import BadClaim, claim_key
from cloud_link.enrol import Claimed, Identity, Phase, Retired
from edged.cloud.files import device_key, trust_file
from edged.errors import EnrolmentRefused, NotFound
from edged.identity import provision as work
from edged.identity.provision import Wish, belongings, decommission, provision, told
from edged.identity.slots import Slots
from edged.settings.model import Broker, Settings
from edged.store.errors import StateInUse
from edged.store.state_dir import claim as held
from tests.edged.cloud.test_trusting import CLOUD
from tests.edged.fakes import FakeClock
from tests.edged.identity.books import SERIAL, Books, opened, tell
from tests.edged.lockers.test_desk import settings as made
from tests.hil.cloud.world import TENANT, Office

Meet = Callable[[Broker], Books]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return opened(tmp_path / "cloud")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(work, "serial", lambda: SERIAL)
    cloud = {"host": "127.0.0.1", "tenant": TENANT, "ca_file": "/nowhere"}
    return made(tmp_path / "state", cloud=cloud)


def claim(office: Office, settings: Settings) -> str:
    (said,) = office.run("device", "add", settings.device, "--serial", SERIAL)
    return str(said["claim"])


async def run(office: Office, settings: Settings, wish: Wish) -> str:
    """Provision; the phase afterwards."""
    meet = Books(office, settings.state_dir)
    said = await provision(settings, FakeClock(), wish, lambda _: meet, tell)
    return str(said["phase"])


async def test_once_is_enough(office: Office, settings: Settings) -> None:
    wish = Wish(claim(office, settings))
    assert await run(office, settings, wish) == "ACTIVE"
    slot = Slots(settings.state_dir).load().current
    assert await run(office, settings, wish) == "ACTIVE"
    assert Slots(settings.state_dir).load().current is slot
    with pytest.raises(EnrolmentRefused, match="CLAIM_USED"):
        await run(office, settings, Wish(wish.code, again=True))
    assert Slots(settings.state_dir).load().current is slot
    assert await run(office, settings, Wish(claim(office, settings), again=True)) == "ACTIVE"
    assert Slots(settings.state_dir).load().current is not slot


async def test_another_claim_begins_anew(office: Office, settings: Settings) -> None:
    with pytest.raises(EnrolmentRefused):
        await run(office, settings, Wish("0" * 20))
    first = Slots(settings.state_dir).load().request
    with pytest.raises(EnrolmentRefused):
        await run(office, settings, Wish("0" * 20))
    assert Slots(settings.state_dir).load().request == first
    assert await run(office, settings, Wish(claim(office, settings))) == "ACTIVE"


async def test_what_can_not_be_done_changes_nothing(
    office: Office, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(BadClaim):
        await run(office, settings, Wish("typo"))
    with pytest.raises(NotFound, match="name no cloud"):
        await run(office, made(tmp_path), Wish("0" * 20))
    by_hand = made(tmp_path, cloud=CLOUD)
    with pytest.raises(NotFound, match="certificate_file"):
        await run(office, by_hand, Wish("0" * 20))
    with held(settings.state_dir), pytest.raises(StateInUse):
        await run(office, settings, Wish("0" * 20))
    assert Slots(settings.state_dir).load() == Identity()


def test_a_device_says_who_it_is(settings: Settings) -> None:
    said = told(settings)
    assert (said["device"], said["serial"], said["phase"]) == (settings.device, SERIAL, "FACTORY")
    assert "certificate_until" not in said


async def test_what_is_given_up_is_gone(office: Office, settings: Settings) -> None:
    await run(office, settings, Wish(claim(office, settings)))
    state = settings.state_dir
    (state / "journal.db").write_bytes(b"x" * 10)
    (state / "rules").mkdir()
    (state / "rules" / "a").write_bytes(b"")
    (state / "elsewhere").symlink_to(office.folder)
    named = belongings(state)
    assert {"journal.db (10 bytes)", "rules/a (0 bytes)"} <= set(named)
    assert any(line.startswith("cloud/device-key.pem") for line in named)
    key = device_key(state).public_key().public_bytes_raw()
    for _ in range(2):
        assert decommission(settings)["phase"] == "RETIRED"
        assert {path.name for path in state.rglob("*") if path.is_file()} == {
            "lock",
            "identity.json",
        }
    assert (office.folder / "trust.json").exists()
    assert await run(office, settings, Wish(claim(office, settings))) == "ACTIVE"
    assert device_key(state).public_key().public_bytes_raw() != key


@pytest.mark.threat("G1")
async def test_a_cut_while_giving_up_is_finished_later(office: Office, settings: Settings) -> None:
    await run(office, settings, Wish(claim(office, settings)))
    slots = Slots(settings.state_dir)
    slots.take(slots.load(), Retired())
    assert trust_file(settings.state_dir).exists()
    with pytest.raises(NotFound):
        await run(office, settings, Wish())
    assert not trust_file(settings.state_dir).exists()
    assert slots.load().phase is Phase.RETIRED


def test_a_claim_is_in_no_repr() -> None:
    code = "0123-4567-89AB-CDEF-GHJK"
    shown = repr((Wish(code), Claimed("0" * 32, claim_key(code))))
    assert code not in shown
    assert repr(claim_key(code)) not in shown
