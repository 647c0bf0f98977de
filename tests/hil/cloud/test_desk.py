"""What the cloud answers to each kind of message, and to those that it should not believe."""

import json
from datetime import timedelta

import pytest

from hil.chain.device import Device, Message, seal, spell
from hil.chain.line import now
from hil.cloud import commands, devices, limits
from hil.cloud.cli.common import Refused
from hil.cloud.dsse import Envelope
from tests.hil.cloud.world import TENANT, Office, both


def used(device: Device, event: str, *keys: str) -> None:
    body = {"kind": "passage", "event_id": event, "decision": "ALLOW", "usage_keys": list(keys)}
    device.journal.write(body)


def drain(office: Office, device: Device) -> None:
    last = len(device.journal.records)
    office.tell(device, device.batch(device.journal.acked + 1, last, now()))


@both
def test_a_pulse_says_what_there_is(office: Office, device: Device) -> None:
    used(device, "e1", "C1/DAY/2026-11-01")
    drain(office, device)
    office.tell(device, device.report(now()))
    assert office.tell(device, device.ask_pulse()) == ["pulse"]
    assert device.pulse is not None
    head = device.journal.heads[1].hex()
    assert device.pulse["cosigned"] == {"epoch": device.epoch, "seq": 1, "head": head}
    assert (device.pulse["rules"], device.pulse["trust"], device.pulse["usage"]) == (0, 1, 1)


def test_who_is_not_entered_is_not_heard(office: Office, device: Device) -> None:
    office.run("device", "disable", "d1")
    assert office.tell(device, device.ask_pulse(), device.report(now())) == []
    assert office.desk().rejected == {"unknown device": 2}
    with pytest.raises(ValueError, match="there is no 'd9'"):
        office.run("device", "disable", "d9")


@pytest.mark.parametrize("key", ["", "00" * 32, "01" + "00" * 31, "zz", "ff" * 32])
def test_a_device_needs_a_key_that_can_be_one(office: Office, key: str) -> None:
    with pytest.raises(ValueError, match="key:"):
        office.run("device", "add", "d1", "--key", key)
    assert office.run("device", "list") == []


def _payload(**changes: object) -> bytes:
    whole = {"v": 1, "tenant": TENANT, "device": "d1", "n": 1, "want": "pulse", "nonce": "0" * 32}
    whole |= changes
    return spell({key: value for key, value in whole.items() if value is not None})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("ask", _payload(tenant="other")),
        ("ask", _payload(device="d2")),
        ("ask", _payload(v=2)),
        ("ask", _payload(n=None)),
        ("ask", _payload(n=1.0)),
        ("ask", _payload(n=True)),
        ("ask", _payload(nonce="0" * 31)),
        ("ask", _payload(nonce="0" * 32 + "\n")),
        ("ask", _payload(want="all")),
        ("ask", _payload(extra=1)),
        ("ask", _payload()[:-1] + b',"n":2}'),
        ("ask", b"[]"),
        ("ask", b"[" * 100_000),
        ("report", _payload()),
    ],
)
def test_a_payload_has_exactly_its_members(
    office: Office, device: Device, kind: str, payload: bytes
) -> None:
    assert office.tell(device, ("ask", seal(kind, payload, device.key))) == []
    assert office.desk().rejected.total() == 1


def _change(message: Message, **changes: object) -> Message:
    envelope = json.loads(message[1]) | changes
    return message[0], spell({key: value for key, value in envelope.items() if value is not None})


def test_an_envelope_is_exactly_one(office: Office, device: Device) -> None:
    ask = device.ask_pulse()
    (signature,) = json.loads(ask[1])["signatures"]
    bad = [
        _change(ask, extra=1),
        _change(ask, payload=None),
        _change(ask, signatures=[]),
        _change(ask, signatures=[signature] * (limits.SIGNATURES + 1)),
        _change(ask, signatures=[{**signature, "sig": signature["sig"][:-4]}]),
        _change(ask, signatures=[{**signature, "x": 1}]),
        _change(ask, payloadType="application/vnd.edged.ask.v2+json"),
        _change(ask, payloadType="application/vnd.edged.report.v1+json"),
        (ask[0], ask[1] + b" " * limits.ENVELOPE_BYTES),
        (ask[0], b""),
        (ask[0], b"\xff"),
        ("none", ask[1]),
    ]
    assert office.tell(device, *bad) == []
    assert office.desk().rejected.total() == len(bad)
    other = {"keyid": "0" * 64, "sig": signature["sig"][:8] + "A" * 80}
    assert office.tell(device, _change(ask, signatures=[other, signature])) == ["pulse"]


@both
def test_an_old_report_is_no_news(office: Office, device: Device) -> None:
    first, second = device.report(now()), device.report(now())
    office.tell(device, second, first)
    assert office.listed("d1")["report"]["n"] == 2
    device.boot, restarted = "1" * 16, device.boot
    office.tell(device, device.report(now()), second)
    assert office.listed("d1")["report"]["boot"] == "1" * 16 != restarted


@both
def test_a_report_that_is_overtaken_by_the_next_start_does_not_outlast_it(
    office: Office, device: Device
) -> None:
    late = device.report(now())
    device.boot = "1" * 16
    office.tell(device, device.report(now()), late, device.report(now()), late)
    assert office.listed("d1")["report"]["boot"] == "1" * 16


@both
def test_who_is_gone_is_absent_until_a_newer_session(office: Office, device: Device) -> None:
    device.session = 1
    up, gone = device.state("up", now()), device.state("gone", now())
    office.tell(device, up, device.report(now()))
    assert office.listed("d1")["link"] == "up"
    office.tell(device, gone, up, device.report(now()))
    assert (office.listed("d1")["link"], office.listed("d1")["alarms"]) == ("gone", ["ABSENT"])
    device.session = 2
    office.tell(device, device.report(now()), gone)
    assert (office.listed("d1")["link"], office.listed("d1")["alarms"]) == ("up", [])


def test_silence_is_absence(office: Office, device: Device) -> None:
    office.tell(device, device.report(now()))
    with office.database_open() as db:
        at = now() + timedelta(seconds=limits.ABSENT_S)
        assert devices.listed(db, at - timedelta(seconds=5))[0]["alarms"] == []
        assert devices.listed(db, at + timedelta(seconds=5))[0]["alarms"] == ["ABSENT"]


@both
def test_what_one_store_counts_the_others_hear(office: Office, device: Device) -> None:
    other, device.position = office.enter("d2"), 2_401
    for n in range(1_200):
        used(device, f"e{n}", f"C{n}/DAY/2026-11-01", "C/NIGHT/2026-11-02/S1")
    device.journal.write({"kind": "outcome", "event_id": "e7", "withdrawn": True})
    office.tell(device, *device.batches(now()))
    kinds = office.tell(other, other.report(now()))
    assert kinds == ["usage"] * 5
    assert other.position == 2_401
    assert len(other.entries) == 2_400
    assert ("C", "2026-11-02", "NIGHT", "S1", "e5") in other.entries
    assert other.gone == {"e7"}
    assert office.tell(other, other.report(now())) == []


def test_what_was_told_under_another_epoch_is_not_told_again(
    office: Office, device: Device
) -> None:
    used(device, "e1", "C1/DAY/2026-11-01")
    drain(office, device)
    device.epoch, device.journal.acked = "0" * 16, 0
    drain(office, device)
    office.tell(device, device.report(now()))
    assert len(device.entries) == 1


@pytest.mark.parametrize("decision", ["DENY", "RECORDED", None])
def test_only_who_came_in_has_used_something(
    office: Office, device: Device, decision: str | None
) -> None:
    body = {
        "kind": "passage",
        "event_id": "e",
        "decision": decision,
        "usage_keys": ["C/B/2026-1-1"],
    }
    device.journal.write({**body, "usage_keys": ["C/B/2026-01-01"]})
    device.journal.write({**body, "decision": "ALLOW", "usage_keys": ["C/B", "C/B/x", 7, "//"]})
    drain(office, device)
    assert office.run("usage", "show", "--month", "2026-01") == []


def test_a_refusal_at_a_door_is_told(office: Office, device: Device) -> None:
    body = {"kind": "passage", "event_id": "e1", "decision": "DENY", "reason": "OUT_OF_BAND"}
    device.journal.write({**body, "door": "front", "member": "M1", "occurred_at": "2026"})
    drain(office, device)
    ((name, refused),) = office.refusals
    assert (name, refused.door, refused.member, refused.reason) == (
        "d1",
        "front",
        "M1",
        "OUT_OF_BAND",
    )


@both
def test_an_order_is_answered_once(office: Office, device: Device) -> None:
    with pytest.raises(Refused, match="no answer yet"):
        office.run("command", "d1", "lockdown", "on=true", "--wait-s", "0", "--by", "boss")
    assert office.tell(device, device.report(now())) == []  # no worker has sent it yet
    with office.database_open() as db:
        (order,) = office.unsent(db)
    (answer,) = device.hear("command", order, now())
    assert device.done[0]["args"] == {"on": True}
    assert device.done[0]["by"] == "boss"
    assert office.tell(device, device.report(now())) == ["command"]
    office.tell(device, answer)
    assert office.tell(device, device.report(now())) == []


def test_the_first_answer_stays(office: Office, device: Device) -> None:
    with pytest.raises(Refused, match="no answer yet"):
        office.run("command", "d1", "lockdown", "on=true", "--wait-s", "0")
    with office.database_open() as db:
        (order,) = office.unsent(db)
    (answer,) = device.hear("command", order, now())
    result = {"id": device.done[0]["id"], "result": "REFUSED", "more": {}}
    at = {"at": "2026-11-28T00:00:00.000Z"}
    whole = {"v": 1, "tenant": TENANT, "device": "d1", **result, **at}
    office.tell(device, answer, ("result", seal("result", spell(whole), device.key)))
    with office.database_open() as db:
        row = commands.found(db, device.done[0]["id"])
    assert row is not None
    assert row["result"] == "DONE"


def test_a_point_of_small_order_signs_nothing() -> None:
    neutral = b"\x01" + bytes(31)  # it would verify whatever was said
    forged = Envelope("ask", _payload(), (neutral + bytes(32),))
    assert forged.signers([neutral]) == frozenset()


def test_a_release_is_never_sent_again(office: Office, device: Device) -> None:
    with pytest.raises(Refused, match="no answer yet"):
        office.run("command", "d1", "door_open", "door=front", "--wait-s", "0")
    with office.database_open() as db:
        (order,) = office.unsent(db)
    device.hear("command", order, now())
    issued, expires = device.done[0]["issued_at"], device.done[0]["expires_at"]
    assert issued < expires
    assert office.tell(device, device.report(now())) == []


@pytest.mark.parametrize("words", [("open",), ("door_open", "window=x"), ("door_open", "front")])
def test_an_order_that_nobody_knows_is_refused(
    office: Office, device: Device, words: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"verb|args"):
        office.run("command", device.name, *words, "--wait-s", "0")


@both
def test_a_new_disk_is_told_who_holds_what(office: Office, device: Device) -> None:
    at = {"occurred_at": "2026-11-28T10:00:00.000Z", "end": "2026-12-28T10:00:00.000Z"}
    for n in range(60):
        held = {"occupancy": f"O{n}", "member": f"M{n}", "locker": f"L{n}", **at}
        device.journal.write({"kind": "locker_command", "verb": "assign", **held})
    for word, locker, about in (
        ("returned", "L1", None),
        ("expired", "L2", None),
        ("moved_from", "L99", "L3"),
        ("moved_to", "L3", "L99"),
        ("stuck", "L4", None),
        ("release_pulse", "L5", None),
    ):
        body = {"kind": "locker", "locker": locker, "word": word, "occupancy": "O", "about": about}
        device.journal.write(body)
    seat = {"store": "S1", "seat": "9", "member": "M1", "product": "P1", "since": at["end"]}
    device.journal.write({"kind": "seat_check_in", "io": "IN", **seat})
    device.journal.write({"kind": "seat_check_out", "io": None, **seat, "seat": "8"})
    device.journal.write({"kind": "seat_check_out", "io": "OUT", **seat, "seat": "7"})
    drain(office, device)
    assert office.tell(device, device.ask_restore()) == ["restore"]
    assert device.restored is not None
    lockers = {each["id"]: each for each in device.restored["lockers"]}
    assert len(lockers) == 61
    assert lockers["L0"]["occupancy"] == {
        "id": "O0",
        "member": "M0",
        "start": at["occurred_at"],
        "end": at["end"],
        "product": None,
    }
    states = {
        name: (lockers[name]["state"], lockers[name]["occupancy"] is None) for name in lockers
    }
    assert [states[name] for name in ("L0", "L1", "L2", "L3", "L99", "L4", "L5")] == [
        ("IN_USE", False),
        ("FREE", True),
        ("WAITING", False),
        ("FREE", True),
        ("IN_USE", False),
        ("OUT_OF_ORDER", False),
        ("RELEASING", False),
    ]
    assert {each["seat"]: each["io"] for each in device.restored["seats"]} == {
        "9": "IN",
        "7": "OUT",
    }


@both
def test_a_new_disk_is_told_of_a_use_whose_pulse_was_taken_back(
    office: Office, device: Device
) -> None:
    """Found by the simulation: a pulse whose sync had failed, and was on the disk all the same."""
    for locker, word in (("L1", "release_pulse"), ("L2", "expired")):
        use = {"occupancy": "O1", "member": "M1", "end": "2026-11-28T11:00:00.000Z"}
        at = {"locker": locker, "occurred_at": "2026-11-28T10:00:00.000Z"}
        device.journal.write({"kind": "locker_command", "verb": "assign", **use, **at})
        for each in (word, "pin_reset_failed"):
            device.journal.write({"kind": "locker", "word": each, "occupancy": "O1", **at})
    drain(office, device)
    assert office.tell(device, device.ask_restore()) == ["restore"]
    assert device.restored is not None
    states = {each["id"]: each["state"] for each in device.restored["lockers"]}
    assert states == {"L1": "IN_USE", "L2": "WAITING"}


@both
def test_a_new_disk_is_told_of_a_move_that_is_not_over_and_of_a_use_that_goes_on(
    office: Office, device: Device
) -> None:
    """Found by the simulation: a locker that somebody had moved to was given back as a free one."""
    at = {"occurred_at": "2026-11-28T10:00:00.000Z"}
    use = {"occupancy": "O1", "member": "M1", "end": "2026-11-28T11:00:00.000Z", **at}
    later = {**use, "locker": "L3", "end": "2026-11-28T12:00:00.000Z"}
    for kind, more in (
        ("locker_command", {**use, "locker": "L1", "verb": "assign", "result": "OK"}),
        ("locker", {"locker": "L2", "word": "moved_from", "occupancy": "O1", "about": "L1"}),
        ("locker", {"locker": "L1", "word": "stuck", "occupancy": "O1", "about": None}),
        ("locker_command", {**use, "locker": "L3", "verb": "assign", "result": "OK"}),
        ("locker", {"locker": "L3", "word": "expired", "occupancy": "O1", "about": None}),
        ("locker_command", {**later, "verb": "extend", "result": "OK"}),
        ("locker_command", {**later, "verb": "open", "result": "OK"}),
    ):
        device.journal.write({"kind": kind, **more})
    drain(office, device)
    office.tell(device, device.ask_restore())
    assert device.restored is not None
    found = {each["id"]: each for each in device.restored["lockers"]}
    assert {name: each["state"] for name, each in found.items()} == {
        "L1": "OUT_OF_ORDER",
        "L2": "IN_USE",
        "L3": "IN_USE",
    }
    assert found["L2"]["occupancy"] == found["L1"]["occupancy"]
    assert found["L2"]["occupancy"]["id"] == "O1"
    assert found["L3"]["occupancy"]["end"] == later["end"]
