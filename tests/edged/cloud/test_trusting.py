"""Whom a device trusts: pinned once, shown, and the key that it signs with."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from cloud_link.envelope import key_id
from edged.cloud.files import device_key, trust_file, write_whole
from edged.cloud.trusting import (
    acknowledged_by,
    all_authorities,
    authorities,
    pin_file,
    told,
)
from edged.commission.walk import public_key
from edged.errors import NotFound, Untrusted
from edged.rulebook.load import load
from edged.settings.model import Settings
from edged.store.cosigned import Cosignature
from edged.store.errors import RulesRefused, StateInUse
from edged.store.ledger import Ledger
from edged.store.state_dir import claim
from hil.byzantine.tenant import Tenant, public
from hil.cloud import pki
from tests.edged.cli.stage import write_journal
from tests.edged.cloud import sets
from tests.edged.cloud.chain import checkpoint, spell
from tests.edged.lockers.test_desk import settings as made

AT = datetime(2026, 11, 4, tzinfo=UTC)
TENANT = Tenant("acme")
DER = Encoding.DER
CLOUD = {
    "host": "broker",
    "tenant": "acme",
    **dict.fromkeys(("ca_file", "certificate_file", "key_file"), "/nowhere"),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return made(tmp_path / "state", cloud=CLOUD)


def document(folder: Path, tenant: Tenant = TENANT) -> Path:
    path = folder / "trust"
    path.write_bytes(tenant.trust(1, AT))
    return path


def test_a_pinned_document_is_told_with_the_devices_own_key(
    settings: Settings, tmp_path: Path
) -> None:
    said = pin_file(settings, document(tmp_path), replace=False)
    assert told(settings) == said
    own = device_key(settings.state_dir).public_key().public_bytes_raw()
    assert public_key(str(said["device_key"]), None) == own, "what is shown is what is asked for"
    assert (said["tenant"], said["version"], said["threshold"]) == ("acme", 1, 2)
    assert said["roots"] == [key_id(public(key)) for key in TENANT.roots]
    assert trust_file(settings.state_dir).read_bytes() == TENANT.trust(1, AT)


def test_what_is_pinned_is_replaced_on_purpose_only(settings: Settings, tmp_path: Path) -> None:
    pin_file(settings, document(tmp_path), replace=False)
    with pytest.raises(Untrusted, match="pinned already"):
        pin_file(settings, document(tmp_path), replace=False)
    pin_file(settings, document(tmp_path), replace=True)


def test_another_tenants_document_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Untrusted, match="another tenant"):
        pin_file(settings, document(tmp_path, Tenant("other")), replace=False)
    (tmp_path / "trust").write_bytes(b"{}")
    with pytest.raises(Untrusted, match="trust document"):
        pin_file(settings, tmp_path / "trust", replace=False)
    with pytest.raises(NotFound, match="trusts nobody"):
        told(settings)


def test_nobody_is_trusted_behind_a_running_daemon(settings: Settings, tmp_path: Path) -> None:
    with claim(settings.state_dir), pytest.raises(StateInUse):
        pin_file(settings, document(tmp_path), replace=False)


def test_a_device_that_is_alone_trusts_nobody(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="name no cloud"):
        pin_file(made(tmp_path), document(tmp_path), replace=False)


@pytest.mark.threat("D10", "G5")
def test_the_device_keeps_its_key_and_nobody_else_reads_it(tmp_path: Path) -> None:
    first = device_key(tmp_path)
    path = tmp_path / "cloud" / "device-key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public(device_key(tmp_path)) == public(first)
    path.chmod(0o640)
    with pytest.raises(Untrusted, match="open to others"):
        device_key(tmp_path)
    path.chmod(0o600)
    for rubbish in (b"no key", b""):
        write_whole(path, rubbish)
        with pytest.raises(Untrusted, match="no Ed25519 key"):
            device_key(tmp_path)


def test_a_device_that_trusts_a_cloud_takes_no_rules_from_a_file(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(spell(sets.document(1)))
    pin_file(settings, document(tmp_path), replace=False)
    with pytest.raises(RulesRefused, match="takes its rules from its cloud"):
        load(file, settings.state_dir)


def cosigned(folder: Path, signer: Ed25519PrivateKey) -> Path:
    """A journal of one record that a cloud has signed."""

    def write(ledger: Ledger) -> None:
        ledger.append({"kind": "note"})
        _, head = ledger.last()
        ledger.cosign(Cosignature(1, head, checkpoint(1, head.hex(), signer)), None)

    write_journal(folder / "journal.db", write)
    return folder / "journal.db"


def test_who_signed_the_newest_checkpoint_is_named(settings: Settings, tmp_path: Path) -> None:
    mine = TENANT.by_role["acks"]
    journal = cosigned(tmp_path / "state", mine)
    assert acknowledged_by(settings, journal) is None
    pin_file(settings, document(tmp_path), replace=False)
    assert acknowledged_by(settings, journal) == key_id(public(mine))
    (tmp_path / "other").mkdir()
    other = cosigned(tmp_path / "other", TENANT.by_role["commands"])
    assert acknowledged_by(settings, other) is None


def test_a_checkpoint_that_is_not_whole_was_acknowledged_by_nobody(
    settings: Settings, tmp_path: Path
) -> None:
    def write(ledger: Ledger) -> None:
        ledger.append({"kind": "note"})
        ledger.cosign(Cosignature(1, ledger.last()[1], b"{}"), None)

    pin_file(settings, document(tmp_path), replace=False)
    write_journal(settings.state_dir / "journal.db", write)
    assert acknowledged_by(settings, settings.state_dir / "journal.db") is None


def test_the_authorities_are_those_of_the_trust_and_for_an_installer_the_files_too(
    tmp_path: Path,
) -> None:
    named, own = (pki.authority(tmp_path / name, AT) for name in ("named", "own"))
    theirs, ours = (
        x509.load_pem_x509_certificate((one.folder / "ca.crt").read_bytes()).public_bytes(DER)
        for one in (named, own)
    )
    cloud = {**CLOUD, "ca_file": str(own.folder / "ca.crt")}
    settings = made(tmp_path / "state", cloud=cloud)
    assert settings.cloud is not None
    assert authorities(settings.state_dir, "acme") == ()
    assert all_authorities(settings.state_dir, settings.cloud) == (ours,)
    (tmp_path / "trust").write_bytes(TENANT.trust(1, AT, authorities=[theirs]))
    pin_file(settings, tmp_path / "trust", replace=False)
    assert authorities(settings.state_dir, "acme") == [theirs]
    assert all_authorities(settings.state_dir, settings.cloud) == (theirs, ours)
    with pytest.raises(Untrusted, match="another tenant"):
        authorities(settings.state_dir, "other")
