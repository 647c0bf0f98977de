"""The contract's vectors, as the cloud reads them: what a device says counts, or does not."""

import base64
import json
from pathlib import Path

import pytest

from hil.cloud import dsse, payloads
from hil.cloud.payloads import Renew, Report, Result, State
from hil.cloud.spelling import Rejected

VECTORS = json.loads(Path("tests/vectors/cloud.json").read_text("utf-8"))
KEY = base64.b64decode(VECTORS["keys"]["device"]["public"])
MODELS: dict[str, type[State | Report | Result | Renew]] = {
    "state": State,
    "report": Report,
    "result": Result,
    "renew": Renew,
}
CASES = [case for case in VECTORS["cases"] if case["kind"] in {*MODELS, "ask"}]


def counts(kind: str, data: bytes) -> bool:
    try:
        payload = payloads.verified(dsse.read(data), kind, "acme", "gate-1", KEY)
        if kind == "ask":
            payloads.read_ask(payload)
        else:
            payloads.read(MODELS[kind], payload)
    except Rejected:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']} {case['name']}")
def test_it_counts_or_does_not(case: dict[str, object]) -> None:
    assert counts(str(case["kind"]), str(case["envelope"]).encode()) is case["counts"]


def test_there_are_enough_of_both() -> None:
    assert sum(case["counts"] for case in CASES) >= 4
    assert len(CASES) > 100
