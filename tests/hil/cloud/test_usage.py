"""What the cloud counts: manual records, withdrawals, and who is over a limit."""

import json
from pathlib import Path

import pytest

from hil.chain.device import Device
from hil.chain.line import now
from hil.cloud.cli.common import Refused
from tests.hil.cloud.test_rules import publish, written
from tests.hil.cloud.world import Office, both


def come(device: Device, day: int, event: str) -> None:
    key = f"C2/DAY/2026-11-{day:02}"
    body = {"kind": "passage", "event_id": event, "decision": "ALLOW", "usage_keys": [key]}
    device.journal.write(body)


def count(office: Office) -> list[dict[str, object]]:
    return office.run("usage", "show", "--month", "2026-11")


@both
def test_a_month_over_its_limit_is_listed(office: Office, device: Device, tmp_path: Path) -> None:
    publish(office, written(tmp_path / "rules"))  # M2's plan has 8 days by day
    for day in range(1, 9):
        come(device, day, f"e{day}")
    come(device, 8, "again")
    office.tell(device, *device.batches(now()))
    assert office.run("report", "over-limit", "--month", "2026-11") == []
    (told,) = office.run("usage", "add", "C2", "DAY", "2026-11-30")
    assert office.run("report", "over-limit", "--month", "2026-11") == [
        {"member": "M2", "contract": "C2", "band": "DAY", "count": 9, "limit": 8, "excess": 1}
    ]
    assert office.run("report", "over-limit", "--month", "2026-12") == []
    office.run("usage", "withdraw", told["event"])
    assert office.run("report", "over-limit", "--month", "2026-11") == []


@both
def test_a_day_counts_while_one_event_holds_it(office: Office, device: Device) -> None:
    (told,) = office.run("usage", "add", "C2", "DAY", "2026-11-08")
    come(device, 8, "e8")
    device.journal.write({"kind": "outcome", "event_id": "e8", "withdrawn": True})
    office.tell(device, *device.batches(now()))
    assert count(office) == [{"owner": "C2", "band": "DAY", "count": 1}]
    office.run("usage", "withdraw", told["event"])
    assert count(office) == []


@both
def test_a_withdrawal_may_come_first_and_stays(office: Office, device: Device) -> None:
    device.journal.write({"kind": "outcome", "event_id": "e8", "withdrawn": True})
    come(device, 8, "e8")
    office.tell(device, *device.batches(now()))
    assert count(office) == []


def test_an_outcome_withdraws_only_where_it_says_so(office: Office, device: Device) -> None:
    come(device, 8, "e8")
    device.journal.write({"kind": "outcome", "event_id": "e8", "outcome": "DOOR_NOT_OPENED"})
    office.tell(device, *device.batches(now()))
    assert count(office) == [{"owner": "C2", "band": "DAY", "count": 1}]


def test_a_manual_record_is_told_to_devices(office: Office, device: Device) -> None:
    (told,) = office.run("usage", "add", "C2", "DAY", "2026-11-08", "--store", "S1")
    office.tell(device, device.report(now()))
    assert device.entries == {("C2", "2026-11-08", "DAY", "S1", told["event"])}


def test_what_can_not_be_is_refused(office: Office) -> None:
    with pytest.raises(ValueError, match="day:"):
        office.run("usage", "add", "C2", "DAY", "2026-11-31")
    with pytest.raises(ValueError, match="month:"):
        office.run("report", "over-limit", "--month", "2026-13")
    with pytest.raises(Refused, match="no entry has it"):
        office.run("usage", "withdraw", "nothing")
    assert json.dumps(count(office)) == "[]"
