"""What the cloud keeps of a device's audit: all of it once, and one head for each number."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
import zstandard
from sqlalchemy import delete

from hil.chain.device import Device, seal, spell
from hil.chain.line import now
from hil.cloud import archive, limits, tables
from hil.cloud.cli.common import Refused
from tests.hil.cloud.world import TENANT, Office, both

LATE_S = limits.HOLD_MS / 1_000


def write(device: Device, count: int, what: str = "exit_button") -> None:
    for _ in range(count):
        number = len(device.journal.records) + 1
        device.journal.write({"kind": what, "event_id": f"{what}{number}"})


def copies(office: Office) -> list[tuple[int, int]]:
    return [(row["first"], row["seq"]) for row in office.run("audit", "verify")]


def kept(office: Office, device: Device) -> list[bytes]:
    with office.database_open() as db:
        return [data for _, data in archive.records(db, device.name, device.epoch)]


def later(after_s: float) -> datetime:
    return now() + timedelta(seconds=after_s)


@both
def test_the_copy_is_the_devices_records(office: Office, device: Device) -> None:
    write(device, 450)
    assert office.tell(device, *device.batches(now())) == ["ack", "ack", "ack"]
    assert device.journal.acked == 450
    assert kept(office, device) == device.journal.records


@both
def test_a_batch_that_comes_again_is_acknowledged_again_and_kept_once(
    office: Office, device: Device
) -> None:
    write(device, 30)
    first, second = device.batch(1, 20, now()), device.batch(11, 30, now())
    office.tell(device, first, second)
    assert office.tell(device, first, second, second) == ["ack"] * 3
    assert [point["seq"] for point in device.acks[-3:]] == [20, 30, 30]
    assert kept(office, device) == device.journal.records


@both
def test_a_batch_waits_for_the_one_before_it(office: Office, device: Device) -> None:
    write(device, 60)
    office.tell(device, device.batch(1, 20, now()))
    assert office.tell(device, device.batch(41, 60, now())) == []
    assert office.tell(device, device.batch(21, 40, now())) == ["ack", "ack"]
    assert device.journal.acked == 60


def test_a_hole_is_answered_by_what_there_is(office: Office, device: Device) -> None:
    write(device, 60)
    office.tell(device, device.batch(1, 20, now()))
    office.tell(device, device.batch(41, 60, now()))
    office.desk().handle([], now())
    assert office.desk().waiting
    (ack,) = office.desk().handle([], later(LATE_S))
    device.hear(ack.kind, ack.data, now())
    assert device.acks[-1]["seq"] == 20
    assert copies(office) == [(1, 20)]


def test_an_epoch_may_begin_anywhere_but_not_at_once(office: Office, device: Device) -> None:
    write(device, 30)
    assert office.tell(device, device.batch(11, 20, now())) == []
    (ack,) = office.desk().handle([], later(LATE_S))
    device.hear(ack.kind, ack.data, now())
    assert copies(office) == [(11, 20)]
    assert "UNKNOWN_BEFORE" in office.listed("d1")["alarms"]


@both
def test_two_records_of_one_number_are_never_both_signed(office: Office, device: Device) -> None:
    write(device, 20)
    office.tell(device, device.batch(1, 10, now()))
    clone = Device(device.name, device.key, device.tenant, epoch=device.epoch)
    write(clone, 20, "clone")
    for first, last in ((1, 10), (1, 20), (11, 20), (5, 15)):
        office.tell(device, clone.batch(first, last, now()))
        assert (device.acks[-1]["seq"], device.acks[-1]["head"]) == (
            10,
            device.journal.heads[10].hex(),
        )
    assert "FORK" in office.listed("d1")["alarms"]
    assert office.tell(device, device.batch(11, 20, now())) == ["ack"]
    assert kept(office, device) == device.journal.records
    assert office.run("device", "seen", "d1") == [{"device": "d1", "cleared": 3}]


def test_another_epoch_stands_beside_the_first(office: Office, device: Device) -> None:
    write(device, 10)
    office.tell(device, device.batch(1, 10, now()))
    device.epoch = "0" * 16
    office.tell(device, device.batch(1, 10, now()))
    assert copies(office) == [(1, 10), (1, 10)]


def _repack(change: Callable[[list[bytes]], object]) -> Callable[[bytes], bytes]:
    def changed(frame: bytes) -> bytes:
        lines = zstandard.ZstdDecompressor().decompress(frame).split(b"\n")[:-1]
        change(lines)
        return zstandard.ZstdCompressor().compress(b"".join(line + b"\n" for line in lines))

    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[:-1],
        lambda frame: frame + b"x",
        lambda _: b"",
        lambda _: zstandard.ZstdCompressor().compress(b""),
        lambda _: zstandard.ZstdCompressor().compress(bytes(limits.BATCH_BYTES + 1)),
        _repack(lambda lines: lines.pop(5)),
        _repack(lambda lines: lines.pop()),
        _repack(lambda lines: lines.pop(0)),
        _repack(lambda lines: lines.reverse()),
        _repack(lambda lines: lines.__setitem__(3, lines[3].replace(b"exit", b"exat"))),
        _repack(lambda lines: lines.__setitem__(10, b"[]")),
        _repack(lambda lines: lines.__setitem__(10, b"{")),
        _repack(lambda lines: lines.append(b"")),
        _repack(lambda lines: lines.extend([lines[-1]] * limits.BATCH_RECORDS)),
    ],
)
def test_what_is_not_whole_is_not_kept(
    office: Office, device: Device, change: Callable[[bytes], bytes]
) -> None:
    write(device, 10)
    kind, frame = device.batch(1, 10, now())
    assert office.tell(device, (kind, change(frame))) == []
    assert office.desk().rejected.total() == 1
    assert copies(office) == []


def test_a_batch_counts_for_whoever_signed_it(office: Office, device: Device) -> None:
    other = office.enter("d2")
    write(device, 10)
    office.tell(other, device.batch(1, 10, now()))
    assert copies(office) == []
    assert office.desk().rejected == {"bad signature": 1}


def test_an_odd_record_is_kept_and_teaches_nothing(office: Office, device: Device) -> None:
    odd = {
        "kind": "passage",
        "decision": "ALLOW",
        "event_id": "e",
        "usage_keys": ["C/B/2026-01-01"],
    }
    record = json.dumps({**odd, "seq": 1, "prev": bytes(32).hex()}).encode()
    payload = {"v": 1, "tenant": TENANT, "device": "d1", "epoch": device.epoch, "seq": 1}
    payload |= {"head": sha256(record).hexdigest(), "at": "2026-01-01T00:00:00.000Z"}
    point = seal("checkpoint", spell({**payload, "rules": 0, "trust": 1}), device.key)
    frame = zstandard.ZstdCompressor().compress(point + b"\n" + record + b"\n")
    device.journal.records.append(record)
    device.journal.heads.append(sha256(record).digest())
    assert office.tell(device, ("audit", frame)) == ["ack"]
    assert "ODD_RECORD" in office.listed("d1")["alarms"]
    assert office.run("usage", "show", "--month", "2026-01") == []
    with pytest.raises(Refused, match="not as it was written"):
        office.run("audit", "verify")


def test_damage_to_the_copy_is_found(office: Office, device: Device) -> None:
    write(device, 250)
    office.tell(device, *device.batches(now()))
    with office.database_open() as db:
        db.execute(delete(tables.audit).where(tables.audit.c.first == 1))
    with pytest.raises(Refused):
        office.run("audit", "verify")
