"""Reading a rules file: from bytes to rules, or to everything that is wrong with it, at once."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from edged.rulebook.fields import ID_PATTERN
from edged.rulebook.format import FORMAT, RulesFile
from edged.rulebook.people import MemberShape
from edged.store import limits
from edged.store.record import canonical
from policy.check import Fault, FaultCode, Names, check_member, check_rules
from policy.check_cafe import check_rooms, check_seats
from policy.check_codes import check_codes, check_member_codes
from policy.model import CodeKind, Member, Rules

_HEAD: Final[dict[str, Any]] = {
    "format": FORMAT,
    "tenant": "unread",
    "version": 1,
    "issued_at": "2026-01-01T00:00:00Z",
}
"""Stands in for a head that can't be read, so that the records below it are checked as well."""


class ShapeCode(StrEnum):
    """Why a rules file could not be read; `policy.check.FaultCode` has the others."""

    NOT_A_RULES_FILE = "NOT_A_RULES_FILE"
    MISSING = "MISSING"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    BAD_VALUE = "BAD_VALUE"
    TOO_MANY = "TOO_MANY"
    DUPLICATE_CONTRACT = "DUPLICATE_CONTRACT"
    DUPLICATE_TICKET = "DUPLICATE_TICKET"
    DUPLICATE_SEAT = "DUPLICATE_SEAT"
    DUPLICATE_PLAIN = "DUPLICATE_PLAIN"


_CODES: Final = {
    "missing": ShapeCode.MISSING,
    "extra_forbidden": ShapeCode.UNKNOWN_FIELD,
    "too_long": ShapeCode.TOO_MANY,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What only one member can have, and who has it."""

    handles: dict[bytes, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Of usage keys: contracts and tickets, by id."""
    seats: dict[tuple[str, str], str] = field(default_factory=dict)
    """By store and id."""
    plain: dict[tuple[CodeKind, bytes], bytes] = field(default_factory=dict)
    """The member's handle by kind and hash."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A rules file without a fault.

    `base` is its document without the members and `records` holds the members' documents by
    id, as `rules_of` and `member_of` read them; `handles` gives the id to each handle.
    `owners` gives the id to each contract and ticket, `seats` to each seat by store and id; `plain`
    gives the handle to each plain code, by its kind and its hash.
    `fingerprint` is the SHA-256 (hex) over `base` and `records`: the same for the same content,
    however the file is laid out.
    """

    rules: Rules
    base: bytes = field(repr=False)
    records: Mapping[str, bytes] = field(repr=False)
    handles: Mapping[bytes, str] = field(repr=False)
    fingerprint: str
    owners: Mapping[str, str] = field(repr=False, default_factory=dict)
    seats: Mapping[tuple[str, str], str] = field(repr=False, default_factory=dict)
    plain: Mapping[tuple[CodeKind, bytes], bytes] = field(repr=False, default_factory=dict)

    @property
    def members(self) -> Mapping[str, Member]:
        """The members by id, each built when it is asked for."""
        return _Members(self.records)


def read(data: bytes) -> RuleSet | list[Fault]:
    """Read a whole rules file, or say all that is wrong with it: shapes and meanings together.

    At most `limits.FAULTS` faults are given. A file with a fault is not used at all
    (spec/rules.md 2.2).
    """
    try:
        document = load(data)
    except ValueError as error:
        return [Fault("", ShapeCode.NOT_A_RULES_FILE, str(error))]
    members = document.pop("members", {})
    if not isinstance(members, dict):
        faults: list[Fault] = []
        _read_base(document, faults)
        text = "members stand in an object, by id"
        return [*faults, Fault("members", ShapeCode.BAD_VALUE, text)][: limits.FAULTS]
    return join(document, ((name, members.pop(name)) for name in list(members)), len(members))


def join(
    document: dict[str, Any], members: Iterable[tuple[str, Any]], count: int
) -> RuleSet | list[Fault]:
    """Check a document without its members, and `count` members that come one by one.

    None of these is held longer than it takes to check it, so that 100,000 need no more memory
    than their records.
    """
    base, faults = canonical(document), list[Fault]()
    found = _read_base(document, faults)
    if count > limits.MEMBERS:
        text = f"{count}, and {limits.MEMBERS} is the limit"
        return [*faults, Fault("members", ShapeCode.TOO_MANY, text)][: limits.FAULTS]
    taken = Taken()
    records = _read_members(members, *found, faults, taken)
    if faults:
        return faults[: limits.FAULTS]
    named = fingerprint(base, ((name, records[name]) for name in sorted(records)))
    given = taken.owners, taken.seats, taken.plain
    return RuleSet(found[0], base, records, taken.handles, named, *given)


def read_members(
    members: Iterable[tuple[str, Any]], rules: Rules
) -> tuple[dict[str, bytes], Taken] | list[Fault]:
    """Check some members by themselves; what they share with others is the caller's to see."""
    taken, faults = Taken(), list[Fault]()
    records = _read_members(members, rules, Names(), faults, taken)
    return faults[: limits.FAULTS] if faults else (records, taken)


def rules_of(base: bytes) -> Rules:
    """Build the rules from `RuleSet.base`.

    Raises:
        ValueError: It is not what `read` accepted.
    """
    return RulesFile.model_validate_json(base).noun()


def member_of(member: str, record: bytes) -> Member:
    """Build the member with this id from its part of `RuleSet.records`.

    Raises:
        ValueError: It is not what `read` accepted.
    """
    return MemberShape.model_validate_json(record).noun(member)


def schema() -> str:
    """Spell the JSON Schema of the format, which lies in config/rules.schema.json."""
    return json.dumps(RulesFile.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


class _Members(Mapping[str, Member]):
    """Members that are built when they are asked for: 100,000 at once would fill a device."""

    def __init__(self, records: Mapping[str, bytes]) -> None:
        self._records = records

    def __getitem__(self, member: str) -> Member:
        return member_of(member, self._records[member])

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def load(data: bytes) -> dict[str, Any]:
    """Parse a document of this format, or its part without the members. Raises ValueError."""
    document = parse(data)
    if document.get("format") != FORMAT:
        raise ValueError(f"this release reads an object with the format {FORMAT}")
    return document


def parse(data: bytes) -> dict[str, Any]:
    """Parse one object strictly: no key twice, whole numbers, whole characters.

    Raises ValueError.
    """
    if len(data) > limits.RULES_FILE_BYTES:
        raise ValueError(f"{len(data)} bytes, and {limits.RULES_FILE_BYTES} is the limit")
    text = data.decode()
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    match document:
        case dict():
            if "\\u" in text:  # an escape can spell half of a character
                json.dumps(document, ensure_ascii=False).encode()
            return document
        case _:
            raise ValueError(f"this release reads an object with the format {FORMAT}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{_shown(key)} stands twice in one object")
        found[key] = value
    return found


def _refuse(number: str) -> object:
    raise ValueError(f"{number} is not a whole number")


def _read_base(document: dict[str, Any], faults: list[Fault]) -> tuple[Rules, Names]:
    """Read all but the members. What can't be read is taken out of `document`, and named."""
    unread: dict[str, set[str]] = {"stores": set(), "plans": set(), "doors": set()}
    try:
        file = RulesFile.model_validate_json(canonical(document))
    except ValidationError as error:
        for problem in error.errors():
            section, *where = map(str, problem["loc"])
            records = document.get(section)
            if where and isinstance(records, dict):
                taken = where[:1]
                records.pop(where[0], None)
            else:
                taken = [*records] if isinstance(records, dict) else []
                document.pop(section, None)
            unread.setdefault(section, set()).update(taken)
        faults += _shape_faults(error)
        file = RulesFile.model_validate_json(canonical({**_HEAD, **document}))
    rules = file.noun()
    names = Names(
        stores=frozenset(unread["stores"]),
        plans=frozenset(unread["plans"]),
        doors=frozenset(unread["doors"]),
    )
    faults += check_rules(rules, names)
    faults += check_rooms(rules)
    faults += check_codes(rules)
    return rules, names


def _read_members(
    members: Iterable[tuple[str, Any]],
    rules: Rules,
    unread: Names,
    faults: list[Fault],
    taken: Taken,
) -> dict[str, bytes]:
    """Read the members one by one, giving back the memory of each document."""
    records: dict[str, bytes] = {}
    for name, document in members:
        records[name] = canonical(document)
        faults += _read_member(name, records[name], rules, unread, taken)
        if len(faults) >= limits.FAULTS:
            break
    return records


def _read_member(
    name: str, record: bytes, rules: Rules, unread: Names, taken: Taken
) -> Iterator[Fault]:
    """Read one member, and note what nobody else can have then."""
    path = _path("members", name)
    if not re.fullmatch(ID_PATTERN, name):
        yield Fault(path, ShapeCode.BAD_VALUE, f"an id matches {ID_PATTERN}")
        return
    try:
        shape = MemberShape.model_validate_json(record)
    except ValidationError as error:
        yield from _shape_faults(error, "members", name)
        return
    member = shape.noun(name)
    yield from _shared(path, member, taken)
    yield from _plain(path, shape, member.handle, taken)
    yield from check_member(rules, member, unread)
    yield from check_seats(rules, member, unread)
    yield from check_member_codes(rules, member, unread)


def _shared(path: str, member: Member, taken: Taken) -> Iterator[Fault]:
    """Find what another member has already; two owners of one id would share a count."""
    name = member.id
    holder = taken.handles.setdefault(member.handle, name)
    if holder != name:
        yield Fault(f"{path}.handle", FaultCode.DUPLICATE_HANDLE, f"{holder} has it already")
    owned = {
        **{f"contracts[{n}].id": one.id for n, one in enumerate(member.contracts)},
        **{f"tickets[{n}].id": one.id for n, one in enumerate(member.tickets)},
    }
    for where, one in owned.items():
        holder = taken.owners.setdefault(one, name)
        if holder != name:
            ticket = where.startswith("tickets")
            code = ShapeCode.DUPLICATE_TICKET if ticket else ShapeCode.DUPLICATE_CONTRACT
            yield Fault(f"{path}.{where}", code, f"{holder} has it already")
    for n, seat in enumerate(member.seats):
        holder = taken.seats.setdefault((seat.store, seat.id), name)
        if holder != name:
            where = f"{path}.seats[{n}].id"
            yield Fault(where, ShapeCode.DUPLICATE_SEAT, f"{holder} has it already")


def _plain(path: str, shape: MemberShape, handle: bytes, taken: Taken) -> Iterator[Fault]:
    """Find a plain code that is another member's as well: whoever shows it could be either."""
    for kind, hashes in shape.plain.items():
        for n, text in enumerate(hashes):
            holder = taken.plain.setdefault((kind, bytes.fromhex(text)), handle)
            if holder != handle:
                where = f"{path}.plain.{kind}[{n}]"
                yield Fault(where, ShapeCode.DUPLICATE_PLAIN, "another member has it already")


def _shape_faults(error: ValidationError, *path: str) -> Iterator[Fault]:
    for problem in error.errors():
        code = _CODES.get(problem["type"], ShapeCode.BAD_VALUE)
        text = problem["msg"].removeprefix("Value error, ")
        yield Fault(_path(*path, *problem["loc"]), code, text)


def _path(*steps: int | str) -> str:
    """Spell where a fault is; `[key]` is how pydantic says that the key itself is wrong."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step != "[key]":
            text += f".{_shown(step)}"
    return text.removeprefix(".")


def _shown(key: str) -> str:
    """Spell a key of the file so that it can stand on a terminal."""
    return key if key.isprintable() and len(key) <= limits.TEXT_CHARS else ascii(key)[:80]


def fingerprint(base: bytes, records: Iterable[tuple[str, bytes]]) -> str:
    """Name a content: the SHA-256 (hex) over a base and the members' records, in order of ids."""
    digest = hashlib.sha256(base)
    for name, record in records:
        digest.update(b"\n" + name.encode() + record)
    return digest.hexdigest()
