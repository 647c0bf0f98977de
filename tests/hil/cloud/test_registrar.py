"""Who is admitted to the tenant, and who is not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_pem_x509_certificate

from hil.chain.device import seal, spell
from hil.chain.line import now
from hil.cloud import claims, limits, pki, registrar, trusts
from hil.cloud.desk import Heard
from hil.cloud.folder import load
from hil.cloud.keys import Role
from hil.cloud.spelling import Rejected
from tests.hil.cloud.newcomers import Newcomer, claimed, signed
from tests.hil.cloud.world import TENANT, Office, both


@pytest.fixture(autouse=True)
def _authority(office: Office) -> None:
    pki.authority(office.certificates, now())


def ask(office: Office, request: str, data: bytes, hours: float = 0) -> bytes:
    found, at = load(office.folder), now() + timedelta(hours=hours)
    with office.database_open() as db:
        key = found.keys.signing(trusts.newest(db), at)[Role.ACKS]
        return registrar.of(found).asked(db, request, data, key, at)


def answer(office: Office, device: Newcomer, hours: float = 0, **changed: Any) -> dict[str, Any]:
    data = ask(office, device.request, device.enrol(**changed), hours)
    return signed(office, "admission", data)


@both
@pytest.mark.threat("G2")
def test_a_claim_admits_its_device_and_a_copy_is_answered_alike(office: Office) -> None:
    device = claimed(office)
    first = ask(office, device.request, device.enrol())
    assert ask(office, device.request, device.enrol()) == first
    told = signed(office, "admission", first)
    assert (told["state"], told["request"]) == ("granted", device.request)
    assert told["proof"] == device.proof("admission", told)
    certificate = load_pem_x509_certificate(told["certificate"].encode())
    assert certificate.public_key() == device.tls.public_key()
    assert certificate.subject.rfc4514_string() == "CN=new"
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert timedelta(days=limits.DEVICE_DAYS) <= life <= timedelta(days=limits.DEVICE_DAYS, hours=2)
    assert office.listed("new")["key"] == device.public.hex()


@both
@pytest.mark.threat("G2")
def test_a_claim_admits_one_and_two_who_have_it_are_an_alarm(office: Office) -> None:
    device = claimed(office)
    thief = Newcomer(code=device.code)
    assert answer(office, device)["state"] == "granted"
    told = answer(office, thief)
    assert (told["state"], told["why"], told["certificate"]) == ("refused", "CLAIM_USED", "")
    assert "CLAIMED_TWICE" in office.listed("new")["alarms"]
    assert office.listed("new")["key"] == device.public.hex()


@pytest.mark.threat("G2")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda device: setattr(device, "name", "other"), "CLAIM_UNKNOWN", id="name"),
        pytest.param(lambda device: setattr(device, "serial", "SN-2"), "CLAIM_WRONG", id="serial"),
        pytest.param(
            lambda device: setattr(device, "code", "0" * 20), "CLAIM_WRONG", id="guessed code"
        ),
    ],
)
def test_a_claim_is_for_one_device(
    office: Office, change: Callable[[Newcomer], None], why: str
) -> None:
    device = claimed(office)
    change(device)
    told = answer(office, device)
    assert (told["state"], told["why"]) == ("refused", why)
    assert office.run("device", "list") == []


@pytest.mark.threat("G2")
def test_a_claim_ends_after_a_day(office: Office) -> None:
    device = claimed(office)
    assert answer(office, device, hours=24.1)["why"] == "CLAIM_EXPIRED"
    assert answer(office, device, hours=23.9)["state"] == "granted"
    with office.database_open() as db, pytest.raises(ValueError, match="hours"):
        claims.give(db, "new", "SN-1", 25, now())


def test_what_is_refused_for_its_request_does_not_use_the_claim_up(office: Office) -> None:
    device = claimed(office)
    device.tls = ec.generate_private_key(ec.SECP384R1())
    assert answer(office, device)["why"] == "BAD_REQUEST"
    device.tls = ec.generate_private_key(ec.SECP256R1())
    assert answer(office, device, csr=device.csr("cloud-1"))["why"] == "BAD_REQUEST"
    assert answer(office, device)["state"] == "granted"


def test_who_is_unknown_waits_and_is_adopted_by_its_key(office: Office) -> None:
    device, other = Newcomer(), Newcomer()
    assert {answer(office, one)["state"] for one in (device, other)} == {"waiting"}
    rows = office.run("device", "list")
    assert {(row["device"], row["serial"], *row["alarms"]) for row in rows} == {
        ("new", "SN-1", "WAITING")
    }
    assert {row["fingerprint"] for row in rows} == {device.fingerprint, other.fingerprint}
    office.run("device", "adopt", "new", "--fingerprint", device.fingerprint[:16])
    assert answer(office, device)["state"] == "granted"
    assert answer(office, other)["state"] == "waiting"
    keys = {row.get("key") for row in office.run("device", "list")}
    assert keys == {device.public.hex(), None}


def test_nobody_is_adopted_by_name_alone(office: Office) -> None:
    device = Newcomer()
    answer(office, device)
    for wrong in (Newcomer().fingerprint, device.fingerprint[:15]):
        with pytest.raises(Exception, match=r"none of this key waits|16 digits"):
            office.run("device", "adopt", "new", "--fingerprint", wrong)
    office.enter("new")
    with pytest.raises(Exception, match="--replace"):
        office.run("device", "adopt", "new", "--fingerprint", device.fingerprint)
    office.run("device", "adopt", "new", "--fingerprint", device.fingerprint, "--replace")
    assert answer(office, device)["state"] == "granted"


@pytest.mark.threat("G2")
def test_strangers_fill_no_more_than_their_room(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING", 3)
    strangers = [Newcomer(name=f"n{n}") for n in range(4)]
    assert [answer(office, one)["why"] for one in strangers] == [*["NOT_ADOPTED"] * 3, "FULL"]
    assert answer(office, strangers[0])["state"] == "waiting"
    assert answer(office, claimed(office))["state"] == "granted"
    assert answer(office, strangers[3], hours=2)["state"] == "waiting"


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda device: device.enrol(tenant="other"), id="tenant"),
        pytest.param(lambda device: device.enrol(request="0" * 32), id="request"),
        pytest.param(lambda device: device.enrol(key=Newcomer().enrol()[:44].decode()), id="key"),
        pytest.param(lambda device: device.enrol(more=1), id="more"),
        pytest.param(lambda _: b"{}", id="nothing"),
        pytest.param(lambda device: device.enrol()[:-9], id="cut"),
        pytest.param(lambda device: seal("renew", spell({}), device.key), id="kind"),
    ],
)
def test_what_is_no_request_is_not_answered(
    office: Office, spoilt: Callable[[Newcomer], bytes]
) -> None:
    device = claimed(office)
    with pytest.raises(Rejected):
        ask(office, device.request, spoilt(device))


@pytest.mark.threat("G1")
def test_somebody_elses_key_does_not_get_the_answer_to_a_request(office: Office) -> None:
    device = claimed(office)
    answer(office, device)
    with pytest.raises(Rejected):
        ask(office, device.request, Newcomer(request=device.request).enrol())


@both
@pytest.mark.threat("G4")
def test_a_device_renews_and_a_copy_is_answered_alike(office: Office) -> None:
    device = office.enter("d1")
    new = Newcomer(name="d1")
    body = {"v": 1, "tenant": TENANT, "device": "d1", "request": "a" * 32, "csr": new.csr()}
    desk, data = office.desk(), seal("renew", spell(body), device.key)
    heard = [
        message.data
        for _ in range(2)
        for message in desk.handle([Heard("d1", "renew", data, now())], now())
    ]
    assert heard[0] == heard[1]
    told = signed(office, "renewed", heard[0])
    certificate = load_pem_x509_certificate(told["certificate"].encode())
    assert certificate.public_key() == new.tls.public_key()
    assert office.tell(device, ("renew", seal("renew", spell(body), new.key))) == []
    wrong = {**body, "request": "b" * 32, "csr": new.csr("d2")}
    assert office.tell(device, ("renew", seal("renew", spell(wrong), device.key))) == []
