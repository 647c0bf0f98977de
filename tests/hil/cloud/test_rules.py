"""Rules: readable files, parts named by their content, some devices first, then on or back."""

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from edged.rulebook.file import RuleSet, read
from hil.chain.device import Device
from hil.chain.line import now
from hil.cloud import folder, limits, parts, store
from hil.cloud.rulefiles import RulesFault
from tests.hil.cloud.world import TENANT, Office, both

EXAMPLE = Path("config/rules.example.json")


def written(folder: Path, **changes: Any) -> Path:
    """The example's rules in several files, as somebody would keep them."""
    document = json.loads(EXAMPLE.read_text("utf-8")) | {"tenant": TENANT} | changes
    members = document.pop("members")
    folder.mkdir(exist_ok=True)
    for name, value in (("base", document), ("members", {"members": members})):
        (folder / f"{name}.json").write_text(json.dumps(value), "utf-8")
    return folder


def publish(office: Office, folder: Path, *words: str) -> int:
    (told,) = office.run("rules", "publish", str(folder), *words)
    return int(told["version"])


def follow(office: Office, *devices: Device) -> None:
    for device in devices:
        office.tell(device, device.report(now()))


def test_workers_can_write_while_a_set_is_read(office: Office, tmp_path: Path) -> None:
    files = written(tmp_path / "rules")
    members = files / "members.json"
    text = members.read_text("utf-8")
    members.unlink()
    os.mkfifo(members)
    database = store.Store(folder.load(office.folder).database)
    with ThreadPoolExecutor(1) as publishing:
        told = publishing.submit(publish, office, files)
        with members.open("w", encoding="utf-8") as late:  # it reads now
            with database.transaction() as db:
                assert store.number(db, "any") == 1
            late.write(text)
        assert told.result() == 1
    database.close()


@both
def test_a_device_gets_what_was_written(office: Office, device: Device, tmp_path: Path) -> None:
    assert publish(office, written(tmp_path / "rules")) == 1
    follow(office, device)
    whole = device.rules()
    kept = json.loads(EXAMPLE.read_text("utf-8"))
    assert whole["members"] == kept["members"]
    assert (whole["version"], whole["tenant"], whole["plans"]) == (1, TENANT, kept["plans"])
    assert office.run("rules", "status")[0] == {
        "device": "d1",
        "due": 1,
        "version": 0,
        "trial": False,
        "refused": [],
    }
    follow(office, device)
    assert office.run("rules", "status")[0]["version"] == 1


def test_the_daemon_reads_it_as_it_was_meant(
    office: Office, device: Device, tmp_path: Path
) -> None:
    publish(office, written(tmp_path / "rules"))
    follow(office, device)
    found = read(json.dumps(device.rules()).encode())
    assert isinstance(found, RuleSet)
    assert device.manifest is not None
    assert found.fingerprint == device.manifest["fingerprint"]


def test_some_devices_first_then_on_then_back(office: Office, tmp_path: Path) -> None:
    first, second = office.enter("a"), office.enter("b")
    old = publish(office, written(tmp_path / "rules"))
    new = publish(office, written(tmp_path / "rules", plans={}, members={}), "--to", "a")
    follow(office, first, second)
    assert [d.manifest and d.manifest["version"] for d in (first, second)] == [new, old]
    office.run("rules", "on", str(new))
    follow(office, second)
    assert second.rules()["members"] == {}
    (told,) = office.run("rules", "rollback", str(old))
    follow(office, first, second)
    assert first.manifest is not None
    assert told["version"] == first.manifest["version"] == new + 1
    assert first.rules()["members"] == second.rules()["members"] != {}


@pytest.mark.parametrize("words", [("on", "7"), ("rollback", "7"), ("on", "1", "--to", "nobody")])
def test_there_has_to_be_what_is_given(
    office: Office, tmp_path: Path, words: tuple[str, ...]
) -> None:
    publish(office, written(tmp_path / "rules"))
    with pytest.raises(RulesFault, match="there is no"):
        office.run("rules", *words)


def test_a_fault_names_the_file_and_publishes_nothing(office: Office, tmp_path: Path) -> None:
    folder = written(tmp_path / "rules")
    with pytest.raises(RulesFault, match=r"^doors: \[\] is not of type 'object'"):
        publish(office, written(tmp_path / "rules", doors=[]))
    with pytest.raises(RulesFault, match="tenant: must be 'acme'"):
        publish(office, written(tmp_path / "rules", tenant="other"))
    written(folder)
    (folder / "more.toml").write_text("[plans.DAY8]\nearly_min = 5\n", "utf-8")
    with pytest.raises(RulesFault, match=r"more\.toml: plans: DAY8: early_min: another file"):
        publish(office, folder)
    (folder / "more.toml").write_text("[plans", "utf-8")
    with pytest.raises(RulesFault, match=r"more\.toml: "):
        publish(office, folder)
    with pytest.raises(RulesFault, match=r"no \.toml or \.json file"):
        publish(office, tmp_path / "nothing")
    (folder / "more.toml").unlink()
    assert publish(office, folder) == 1


def test_bookings_and_vectors_may_stand_in_files_of_their_own(
    office: Office, device: Device, tmp_path: Path
) -> None:
    folder = written(tmp_path / "rules")
    (folder / "bookings.toml").write_text(
        "[[members.M2.bookings]]\n"
        'id = "B2"\nstore = "S1"\nprogram = "YOGA"\nstatus = "CONFIRMED"\npaid = true\n'
        "start = 2026-11-05T18:00:00+09:00\nend = 2026-11-05T19:00:00+09:00\n",
        "utf-8",
    )
    vector: dict[str, Any] = {
        "member": "M1",
        "device": "front-in",
        "at": "2026-11-28T00:00:00.000Z",
        "used": [],
    }
    vector["expect"] = {"verdict": "ALLOW", "reason": "OK"}
    (folder / "vectors.json").write_text(json.dumps({"vectors": [vector]}), "utf-8")
    publish(office, folder, "--confirm-s", "600")
    follow(office, device)
    assert [b["id"] for b in device.rules()["members"]["M2"]["bookings"]] == ["B2", "B1"]
    assert device.manifest is not None
    assert device.manifest["confirm_s"] == 600
    (told,) = (part for part in device.manifest["parts"] if part["name"] == "vectors")
    assert json.loads(parts.unpack(device.parts[told["sha256"]])) == [vector]


def test_a_change_of_one_member_touches_one_part() -> None:
    members = {f"M{n}": {"handle": f"{n:016x}"} for n in range(5_000)}
    changed_one = members | {"M7": {"withdrawn": True}}
    before, after = (parts.cut({"members": some}, []).others for some in (members, changed_one))
    assert len(before) == len(after) == 16
    changed = [b.name for b, a in zip(before, after, strict=True) if b.sha256 != a.sha256]
    first = sha256(b"M7").hexdigest()[0]  # 16 parts: the first four bits
    assert changed == [f"members/{int(first, 16)}"]


def test_a_large_part_comes_in_pieces(office: Office, device: Device, tmp_path: Path) -> None:
    chance = random.Random(1)
    contract = {"plan": "FULLTIME", "start": "2026-01-01"}
    members = {
        f"M{n}": {
            "handle": f"{n:016x}",
            "contracts": [{"id": chance.randbytes(32).hex(), **contract} for _ in range(8)],
        }
        for n in range(600)
    }
    publish(office, written(tmp_path / "rules", members=members))
    follow(office, device)
    assert device.manifest is not None
    assert max(part["packed"] for part in device.manifest["parts"]) > limits.PIECE_BYTES
    assert device.rules()["members"] == members
