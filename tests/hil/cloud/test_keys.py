"""Keys: closed files, rotation that devices follow, revocation."""

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.chain.device import Device, pinned
from hil.chain.line import now
from hil.cloud import dsse
from hil.cloud.folder import FolderFault
from hil.cloud.keys import KeyFault
from hil.cloud.spelling import b64, unb64
from tests.hil.cloud.world import TENANT, Office


def test_private_keys_are_closed_to_others(office: Office) -> None:
    files = list((office.folder / "keys").iterdir())
    assert len(files) == 5
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (office.folder / "keys").stat().st_mode & 0o077 == 0
    for file in files:
        file.chmod(0o640)
    with pytest.raises(KeyFault, match="others can read it"):
        office.run("keys", "rotate", "time")


def test_a_folder_is_made_once(office: Office) -> None:
    with pytest.raises(FolderFault, match="is there already"):
        office.begin()


@pytest.mark.parametrize("role", ["rules", "commands", "acks", "time", "root"])
def test_devices_follow_a_rotation(office: Office, device: Device, role: str) -> None:
    before = device.tenant.document
    office.run("keys", "rotate", role)
    assert office.tell(device, device.report(now())) == ["trust"]
    after = device.tenant.document
    assert after["version"] == 2
    changed = "roots" if role == "root" else "keys"
    assert before[changed] != after[changed]
    if role != "root":
        old, new = (pinned_keys(document, role) for document in (before, after))
        assert len(new) == 1
        assert not old & new
    assert office.tell(device, device.ask_pulse()) == ["pulse"]
    assert device.pulse is not None
    assert device.pulse["trust"] == 2


def pinned_keys(document: dict[str, list[dict[str, str]]], role: str) -> set[str]:
    return {each["key"] for each in document["keys"] if role in each["roles"]}


def test_all_that_was_missed_comes_in_order(office: Office, device: Device) -> None:
    for role in ("root", "root", "time"):
        office.run("keys", "rotate", role)
    assert office.tell(device, device.report(now())) == ["trust"] * 3
    assert device.tenant.document["version"] == 4


def test_an_old_key_may_count_for_a_while(office: Office, device: Device) -> None:
    office.run("keys", "rotate", "acks", "--keep-days", "2")
    office.tell(device, device.report(now()))
    untils = [k["until"] for k in device.tenant.document["keys"] if "acks" in k["roles"]]
    assert untils[0] is not None
    assert untils[1] is None


def test_a_rotation_takes_the_threshold_of_roots(tmp_path: Path) -> None:
    office = Office(tmp_path / "cloud")
    office.run("init", "--tenant", TENANT, "--roots", "3", "--threshold", "2")
    device = office.enter("d1")
    office.run("keys", "rotate", "root")
    office.tell(device, device.report(now()))
    assert device.tenant.document["version"] == 2
    roots = [unb64(key) for key in device.tenant.document["roots"]]
    for key in roots[1:]:
        (office.folder / "keys" / f"{dsse.key_id(key)[:16]}.key").unlink()
    with pytest.raises(KeyFault, match="1 of 2 root keys"):
        office.run("keys", "rotate", "time")
    office.close()


def test_the_first_document_is_for_the_installer(office: Office) -> None:
    office.run("keys", "rotate", "root")
    tenant = pinned((office.folder / "trust.json").read_bytes())
    assert tenant.document["version"] == 1
    with pytest.raises((InvalidSignature, ValueError)):
        tenant.follow((office.folder / "trust.json").read_bytes().replace(b'"sig":"', b'"sig":"A'))


def test_the_newest_document_can_be_carried_to_a_device(office: Office, tmp_path: Path) -> None:
    for role in ("root", "time"):
        office.run("keys", "rotate", role)
    file = tmp_path / "newest"
    assert office.run("keys", "write", str(file)) == [{"trust": 3, "file": str(file)}]
    assert pinned(file.read_bytes()).document["version"] == 3


def test_a_device_is_entered_by_its_key_as_it_shows_it_or_showed_it(office: Office) -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    for spelt in (key.hex(), b64(key)):
        assert office.run("device", "add", "d1", "--key", spelt) == [
            {"device": "d1", "key": key.hex()}
        ]
    for wrong in ("", key.hex()[:-2], key.hex() + "00", "no key"):
        with pytest.raises(ValueError, match="key: "):
            office.run("device", "add", "d1", "--key", wrong)
