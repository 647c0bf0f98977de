"""Codes that another hand made from the same contract (tests/vectors/credentials.json)."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edged.credentials.claims import Claims, RotatingCode, StaffCode
from edged.credentials.read import Refused, Unproven, prove, read
from policy.model import CodeKind, IssuerKey, KeyRole, Reason

FILE = Path(__file__).parents[2] / "vectors" / "credentials.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
ROTATING = VECTORS["rotating"]
STORE_KEY = bytes.fromhex(ROTATING["store_key"])
KEYS = {
    said["kid"]: IssuerKey(said["kid"], role, bytes.fromhex(said["public"]))
    for said, role in (
        (VECTORS, KeyRole.MEMBER),
        (VECTORS["staff"], KeyRole.STAFF),
        (VECTORS["booking"], KeyRole.BOOKING),
    )
} | {ROTATING["kid"]: IssuerKey(ROTATING["kid"], KeyRole.ROTATING, None)}
HANDLES = {"booking", "store", "room"}
INSTANTS = {"issued_at", "not_before"}


def ask(vector: dict[str, str]) -> Claims | Refused:
    found = read(
        vector["text"].encode(),
        accepted=frozenset(CodeKind),
        tenant=VECTORS["tenant"],
        keys=KEYS,
        store=ROTATING["store"],
    )
    return prove(found, STORE_KEY) if isinstance(found, Unproven) else found


def named(vectors: list[dict[str, str]]) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


@pytest.mark.threat("G7")
@pytest.mark.parametrize("vector", named(VECTORS["good"]))
def test_a_good_code_says_what_was_meant(vector: dict[str, Any]) -> None:
    code = ask(vector)
    assert not isinstance(code, Refused)
    said = {**asdict(code), "kind": code.kind}
    who = next(name for name in ("staff", "member", "user") if name in vector)
    meant: dict[str, Any] = {**vector, "handle": bytes.fromhex(vector[who])}
    for name in INSTANTS & meant.keys():
        meant[name] = datetime.fromtimestamp(vector[name], UTC)
    for name in () if isinstance(code, RotatingCode) else HANDLES & meant.keys():
        handle = bytes.fromhex(vector[name])
        optional = name == ("store" if isinstance(code, StaffCode) else "room")
        meant[name] = None if optional and handle == bytes(8) else handle
    assert said == {name: meant[name] for name in said}


@pytest.mark.threat("A6")
@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_a_bad_code_is_refused_for_the_contracts_reason(vector: dict[str, str]) -> None:
    answer = ask(vector)
    assert isinstance(answer, Refused)
    assert answer.reason is Reason(vector["reason"])
