"""The worked examples of spec/cases.md that are about codes (Q) and reads (O06)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edged.core import access, presentation
from edged.core.presentation import Memory, Seen
from edged.credentials import claims
from edged.credentials.read import Refused, read
from policy.model import CodeKind, Member, Plan, Reason, Rules, RuleSettings, Scene, Side, Verdict
from tests.edged.credentials.issuer import HANDLE, KEYS, TENANT, f1_body, issue, m1_body
from tests.policy.worlds import CONTRACT, ENTRANCE, EXIT, rules_of

Json = Mapping[str, Any]

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "cases.json").read_text("utf-8"))
ROWS = {row["id"]: row for row in CASES["cases"] if row["id"][0] == "Q" or row["id"] == "O06"}
SETTINGS = CASES["fixtures"]["settings"]
EXITS = frozenset({Reason.CODE_EXPIRED, Reason.CODE_NOT_YET_VALID, Reason.CODE_REVOKED})


def test_no_row_is_lost() -> None:
    assert len(ROWS) == 7


def rules_that_let_in() -> Rules:
    """Make rules that have nothing against anybody, so that the code alone decides."""
    settings = RuleSettings(
        code_ttl_min=SETTINGS["code_ttl_min"], code_skew_s=SETTINGS["code_skew_s"]
    )
    return replace(rules_of(Plan("P1", restrict=False), settings=settings), keys=KEYS)


def text_of(code: Json) -> bytes:
    """Spell the code that a step describes, with one character changed if it says so."""
    if code["kind"] == "dynamic":
        text = issue("M1", m1_body(issued=datetime.fromisoformat(code["issued"])))
    else:
        text = issue("F1", f1_body(version=code["version"]))
    if not code["signature_ok"]:
        text = text[:-2] + (b"1" if text[-2:-1] == b"0" else b"0") + text[-1:]
    return text


def scan(step: Json, members: Mapping[str, Json]) -> Json:
    """Check a code as far as the rules' first question, and say what came of it."""
    rules, at = rules_that_let_in(), datetime.fromisoformat(step["at"]).astimezone(UTC)
    known = members.get(step["code"]["member"])
    version = 1 if known is None else known.get("fixed_code_version", 1)
    member = Member("M", HANDLE, (CONTRACT,), fixed_code_version=version)
    code = read(text_of(step["code"]), accepted=frozenset(CodeKind), tenant=TENANT, keys=rules.keys)
    if isinstance(code, Refused):
        return {"decision": "DENY", "reason": code.reason, "warnings": []}
    if isinstance(code, claims.MemberCode):
        settings = rules.settings
        fault = claims.check_time(
            code, at, ttl_min=settings.code_ttl_min, skew_s=settings.code_skew_s
        )
    else:
        assert isinstance(code, claims.FixedCode)
        fault = claims.check_version(code, version)
    entering = step["side"] == Side.IN
    request = access.Request(
        rules,
        ENTRANCE if entering else EXIT,
        member if known is not None else None,
        fault,
        Scene(at),
    )
    decision = access.decide_entry(request) if entering else access.decide_exit(request)
    accepted = decision.verdict is Verdict.ALLOW
    return {
        "decision": "ACCEPT" if accepted else "DENY",
        "reason": Reason.OK if accepted else decision.reason,
        "warnings": [w for w in decision.warnings if w.value.startswith("EXIT_CODE_")],
    }


@pytest.mark.parametrize("row_id", [row_id for row_id in ROWS if row_id[0] == "Q"])
def test_a_row_about_codes(row_id: str) -> None:
    row = ROWS[row_id]
    members = {member["id"]: member for member in row["world"].get("members", [])}
    for step in [*row["before"], *row["steps"]]:
        assert step["op"] == "scan"
        assert scan(step, members) == step["expect"], step


def test_the_row_about_reads() -> None:
    row = ROWS["O06"]
    memories: dict[str, Memory] = {}
    steps = sorted([*row["before"], *row["steps"]], key=lambda step: step["at"])
    for step in steps:
        now_ms = round(datetime.fromisoformat(step["at"]).timestamp() * 1_000)
        memories[step["device"]], seen = presentation.step(
            memories.get(step["device"], ()),
            step["payload"].encode(),
            now_ms,
            gap_ms=RuleSettings().presentation_gap_ms,
            debounce_ms=SETTINGS["debounce_s"] * 1_000,
        )
        assert {"new_decision": seen is Seen.NEW} == step["expect"], step
