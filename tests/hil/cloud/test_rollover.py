"""Another authority: who knows the broker before, meanwhile and after, and what can't be done."""

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hil.chain.device import Device
from hil.chain.line import now
from hil.cloud import pki
from hil.cloud.cli.common import Refused
from hil.cloud.keys import KeyFault
from tests.hil.cloud.test_pki import shaken
from tests.hil.cloud.world import Office

DEVICE_DAYS = 90


@pytest.fixture
def certificates(office: Office) -> Path:
    """A folder of an authority, a broker, a worker and a device."""
    authority = pki.authority(office.certificates, now())
    authority.broker(["127.0.0.1", "broker.example"], now())
    for name in ("cloud-1", "d1"):
        authority.client(name, now())
    return office.certificates


def ca(folder: Path) -> str:
    return (folder / "ca.crt").read_text()


def held(device: Device) -> list[str]:
    """The authorities that a device has heard of, PEM."""
    named = device.tenant.document.get("authorities", [])
    found = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in named]
    return [one.public_bytes(Encoding.PEM).decode() for one in found]


def listen(office: Office, device: Device) -> None:
    """Let a device report, and follow what it had missed."""
    office.tell(device, device.report(now()))
    office.tell(device, device.report(now()))


def test_who_was_off_and_who_was_not_know_the_broker_all_along(
    office: Office, device: Device, certificates: Path
) -> None:
    before = ca(certificates)
    assert office.run("authority", "prepare") == [{"trust": 2, "vouched": True}]
    assert [row["heard"] for row in office.run("authority", "list")] == [False]
    listen(office, device)
    assert [row["heard"] for row in office.run("authority", "list")] == [True]
    assert "".join(held(device)) == ca(certificates)
    assert shaken(certificates, "d1", before)
    assert shaken(certificates, "d1", "".join(held(device)))
    office.run("authority", "switch")
    after = pki.authority(certificates, now()).certificate.public_bytes(Encoding.PEM).decode()
    assert after != before
    for known in (before, "".join(held(device)), after):
        assert shaken(certificates, "d1", known)
        assert shaken(certificates, "cloud-1", known)
    names = x509.load_pem_x509_certificate((certificates / "broker.crt").read_bytes())
    found = names.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in found] == ["127.0.0.1", "broker.example"]
    assert office.run("authority", "drop") == [{"trust": 3, "behind": []}]
    listen(office, device)
    assert held(device) == [after] == [ca(certificates)]
    assert not shaken(certificates, "d1", after), "its own is of the one that was dropped"
    assert shaken(certificates, "cloud-1", after)


def test_the_old_one_stays_while_somebody_has_not_heard(
    office: Office, device: Device, certificates: Path
) -> None:
    both = [office.run("authority", step) for step in ("prepare", "switch")]
    assert both
    text = ca(certificates)
    with pytest.raises(Refused, match=device.name):
        office.run("authority", "drop")
    assert ca(certificates) == text
    assert office.run("authority", "drop", "--anyway") == [{"trust": 3, "behind": [device.name]}]


def test_a_step_out_of_turn_changes_nothing(office: Office, certificates: Path) -> None:
    def tree() -> dict[str, bytes]:
        files = (one for one in certificates.rglob("*") if one.is_file())
        return {str(one): one.read_bytes() for one in files}

    turns = (("switch", "drop"), ("prepare", "drop"), ("prepare", "switch"))
    for wrong, right in zip(turns, ("prepare", "switch", "drop"), strict=True):
        before = tree()
        for step in wrong:
            with pytest.raises(ValueError, match="authority: "):
                office.run("authority", step)
        assert tree() == before
        office.run("authority", right)


def test_without_the_roots_nobody_is_told_and_nothing_counts(
    office: Office, certificates: Path
) -> None:
    text = ca(certificates)
    keys = {file: file.read_bytes() for file in (office.folder / "keys").iterdir()}
    for file in keys:
        file.unlink()
    with pytest.raises(KeyFault):
        office.run("authority", "prepare")
    assert ca(certificates) == text
    for file, data in keys.items():
        file.write_bytes(data)
        file.chmod(0o600)
    assert office.run("authority", "prepare") == [{"trust": 2, "vouched": True}]


def test_a_rotation_of_keys_keeps_the_authorities(
    office: Office, device: Device, certificates: Path
) -> None:
    office.run("authority", "prepare")
    office.run("keys", "rotate", "time")
    listen(office, device)
    assert "".join(held(device)) == ca(certificates)


def test_one_that_may_certify_no_other_does_not_vouch(
    office: Office, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pki, "BELOW", 0)
    for file in (certificates / "ca.crt", certificates / "ca.key"):
        file.unlink()
    pki.authority(certificates, now()).broker(["127.0.0.1"], now())
    before = ca(certificates)
    assert office.run("authority", "prepare") == [{"trust": 2, "vouched": False}]
    office.run("authority", "switch")
    assert not shaken(certificates, "cloud-1", before)
    assert shaken(certificates, "cloud-1", ca(certificates))
