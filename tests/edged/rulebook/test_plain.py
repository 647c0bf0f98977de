"""Plain codes of members: whose each is, in its kind."""

import json
from typing import Any

from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet, ShapeCode
from policy.check import Fault
from policy.model import CodeKind
from tests.edged.rulebook.test_file import document


def read(**members: dict[str, Any]) -> RuleSet | list[Fault]:
    found = rules_file.read(json.dumps({**document(), "members": members}).encode())
    return found if isinstance(found, RuleSet) else list(found)


def member(handle: str, **plain: list[str]) -> dict[str, Any]:
    return {"handle": handle * 8, "plain": plain}


A, B = "ab" * 32, "cd" * 32


def test_a_hash_is_one_members_in_each_kind() -> None:
    found = read(M1=member("11", PIN=[A, A], CARD=[B]), M2=member("22", PIN=[B]))
    assert isinstance(found, RuleSet)
    assert found.plain == {
        (CodeKind.PIN, bytes.fromhex(A)): bytes.fromhex("11" * 8),
        (CodeKind.CARD, bytes.fromhex(B)): bytes.fromhex("11" * 8),
        (CodeKind.PIN, bytes.fromhex(B)): bytes.fromhex("22" * 8),
    }


def test_a_hash_that_another_member_has_is_named_where_it_stands() -> None:
    found = read(M1=member("11", PIN=[A]), M2=member("22", CARD=[A], PIN=[B, A]))
    assert isinstance(found, list)
    assert [(fault.path, fault.code) for fault in found] == [
        ("members.M2.plain.PIN[1]", ShapeCode.DUPLICATE_PLAIN)
    ]


def test_some_members_are_read_by_themselves_with_what_they_share() -> None:
    found = read(M1=member("11", PIN=[A]))
    assert isinstance(found, RuleSet)
    more = rules_file.read_members([("M2", member("22", PIN=[B]))], found.rules)
    assert isinstance(more, tuple)
    records, taken = more
    assert rules_file.member_of("M2", records["M2"]).handle == bytes.fromhex("22" * 8)
    assert taken.plain == {(CodeKind.PIN, bytes.fromhex(B)): bytes.fromhex("22" * 8)}
    faults = rules_file.read_members([("M3", member("no hex"))], found.rules)
    assert isinstance(faults, list)
    assert [fault.path for fault in faults] == ["members.M3.handle"]
