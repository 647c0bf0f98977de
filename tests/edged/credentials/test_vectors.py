"""Codes that another hand made from the same contract (tests/vectors/credentials.json)."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edged.credentials.claims import Claims, Shown, StaffCode
from edged.credentials.read import Refused, read
from policy.model import CodeKind, IssuerKey, KeyRole, Reason

FILE = Path(__file__).parents[2] / "vectors" / "credentials.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
KEYS = {
    said["kid"]: IssuerKey(said["kid"], role, bytes.fromhex(said["public"]))
    for said, role in ((VECTORS, KeyRole.MEMBER), (VECTORS["staff"], KeyRole.STAFF))
}


def ask(vector: dict[str, str]) -> Claims | Refused:
    return read(
        vector["text"].encode(),
        accepted=frozenset(CodeKind),
        tenant=VECTORS["tenant"],
        keys=KEYS,
    )


def named(vectors: list[dict[str, str]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


@pytest.mark.parametrize("vector", named(VECTORS["good"]))
def test_a_good_code_says_what_was_meant(vector: dict[str, Any]) -> None:
    code = ask(vector)
    assert not isinstance(code, Refused)
    said = {**asdict(code), "kind": code.kind}
    meant = {**vector, "handle": bytes.fromhex(vector["staff" if "staff" in vector else "member"])}
    if isinstance(code, Shown):
        meant["issued_at"] = datetime.fromtimestamp(vector["issued_at"], UTC)
    if isinstance(code, StaffCode):
        store = bytes.fromhex(vector["store"])
        meant["store"] = None if store == bytes(8) else store
    assert said == {name: meant[name] for name in said}


@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_a_bad_code_is_refused_for_the_contracts_reason(vector: dict[str, str]) -> None:
    answer = ask(vector)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason(vector["reason"])
