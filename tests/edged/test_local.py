import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from edged import local, wiring
from edged.control import wire
from edged.control.client import ControlRefused
from edged.control.server import Handler
from edged.control.wire import Verb
from edged.core.alarm_words import AlarmName
from edged.exits import Exit
from edged.records.keeping import Keeping
from edged.store.errors import FailKind, StoreFailed
from hil.site.rules import sample_rules
from tests.edged.fakes import NOON
from tests.edged.rig import DOORS, ISSUER, Rig
from tests.edged.test_wiring import FRONT, settings


def handlers(rig: Rig, folder: Path) -> dict[Verb, Handler]:
    configured = settings(folder, front=FRONT)
    house = wiring.build(configured, rig.ports)
    keeping = Keeping(rig.ports, configured.device, "1.2.3", {})
    return dict(local.handlers(configured, rig.ports, house, keeping))


def rules_file(folder: Path, version: int) -> dict[str, object]:
    """Write the sample rules; what a client says to load them."""
    document = sample_rules(ISSUER, NOON - timedelta(hours=1), DOORS, version=version)
    path = folder / f"rules-{version}.json"
    path.write_text(json.dumps(document))
    return {"path": str(path)}


async def test_new_rules_are_in_force_when_the_answer_comes(rig: Rig, tmp_path: Path) -> None:
    load = handlers(rig, tmp_path)[Verb.RULES_LOAD]
    loading = asyncio.ensure_future(load(rules_file(tmp_path, 5)))
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed) as busy:
        await load(rules_file(tmp_path, 6))
    assert busy.value.kind is FailKind.BUSY
    answer = await loading
    assert (answer["version"], answer["members"]) == (5, 6)
    assert rig.rules.version == 5
    assert answer["fingerprint"] == rig.rules.fingerprint
    await rig.written()
    assert [one["version"] for one in rig.records("rules_active")] == [5]
    with pytest.raises(ControlRefused) as refused:
        await load(rules_file(tmp_path, 4))
    assert refused.value.code == Exit.RULES
    assert refused.value.errors == ("rules version 4 refused: version 5 is active",)
    assert rig.rules.version == 5


async def test_the_status_says_how_everything_is(rig: Rig, tmp_path: Path) -> None:
    status = handlers(rig, tmp_path)[Verb.STATUS]
    rig.alarms.change("front", AlarmName.DOOR_FORCED, raised=True)
    await rig.written()
    answer = dict(await status({}))
    assert json.loads(wire.answered(answer))["answer"] == answer
    rules = answer.pop("rules")
    assert isinstance(rules, dict)
    assert (rules["tenant"], rules["version"]) == ("acme", 1)
    assert rules["issued_at"] == "2026-11-04T02:00:00.000Z"
    assert answer == {
        "device": "S1",
        "simulated": True,
        "provisioned": False,
        "link": None,
        "clock": {
            "at": "2026-11-04T03:00:00.000Z",
            "state": "SYNCED",
            "error_s": 0.0,
            "not_before": "2026-11-04T03:00:00.000Z",
            "source": "ntp",
            "drift_ppm": None,
        },
        "faults": [],
        "journal": {"failed": None, "records_waiting": 0},
        "doors": {"front": "REST, not seen: the contact says nothing"},
        "lockers": {},
        "devices": dict.fromkeys(
            (
                "front.lock",
                "front.contact",
                "front.exit_button",
                "front-in.indicator",
                "front-in",
                "front-out",
            ),
            "lost",
        ),
        "scans_dropped": {"front-in": 0, "front-out": 0},
        "alarms": [
            {
                "source": "front",
                "alarm": "DOOR_FORCED",
                "severity": "alarm",
                "since": "2026-11-04T03:00:00.000Z",
            }
        ],
    }


async def test_the_status_says_what_is_missing(rig: Rig, tmp_path: Path) -> None:
    status = handlers(rig, tmp_path)[Verb.STATUS]
    await rig.rules.close()
    await rig.stop_journal()
    rig.recorder.append({"kind": "note"})
    answer = await status({})
    assert (answer["rules"], answer["faults"]) == (None, [])
    assert answer["journal"] == {
        "failed": "closed: the journal is closing",
        "records_waiting": 1,
    }
