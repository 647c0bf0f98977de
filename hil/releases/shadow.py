"""A month at a store by two releases: each decision of the earlier one, made by this one too."""

import sqlite3
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from edged.store.audit import Verified, verify
from edged.store.errors import SchemaTooNew
from hil.releases.engine import answered
from hil.releases.month import DAY_S
from hil.releases.played import ROOT, NotPlayed, play, take_over
from hil.releases.recorded import Body, Decided, Difference, decided, differences
from hil.releases.store import BEGINS

APPROVED: Final = Path(__file__).with_name("approved.toml")


@dataclass(frozen=True, slots=True)
class Approved:
    """A difference that is meant: records with the facts `was` come out with the facts `now`."""

    was: Mapping[str, Any]
    now: Mapping[str, Any]
    why: str

    def covers(self, was: Body, now: Body) -> bool:
        """Whether this is the difference between two records: in those facts, and no other."""
        facts = {*self.was, *self.now}
        return (
            self.was.items() <= was.items()
            and self.now.items() <= now.items()
            and {k: v for k, v in was.items() if k not in facts}
            == {k: v for k, v in now.items() if k not in facts}
        )


@dataclass(slots=True)
class Shadow:
    """What came of it. Decisions are counted that two releases were held against each other in.

    `asked`: of the rules alone. `afresh`: this release began as the earlier one did. `updated`: it
    went on with what that had written. `back`: the earlier one went on with what this had written.
    `refused`: stores whose files have a newer form than it knows, and which it left as they are.
    `answers`: how often each reason was given at the store. `records`: of chains that verify.
    `differences`: those that are not approved.
    """

    asked: int = 0
    afresh: int = 0
    updated: int = 0
    back: int = 0
    refused: int = 0
    approved: int = 0
    records: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    differences: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def decisions(self) -> int:
        """All of them."""
        return self.asked + self.afresh + self.updated + self.back


def approved(file: Path = APPROVED) -> list[Approved]:
    """Read the differences that are meant."""
    return [Approved(**row) for row in tomllib.loads(file.read_text()).get("approved", [])]


def ask(told: Shadow, base: Path, seed: int, rows: int) -> None:
    """Ask the rules of `base` and of this release about `rows` worlds. Raises NotPlayed."""
    meant = approved()
    for question, was, now in answered(base, seed, rows):
        told.asked += 1
        if was == now:
            continue
        if any(one.covers({**question, **was}, {**question, **now}) for one in meant):
            told.approved += 1
        else:
            told.differences.append({"at": question, "before": was, "after": now})


def shadow(told: Shadow, base: Path, before: Path, days: int) -> None:
    """Play the store that is prepared in `before`, by `base` and by this release, and compare.

    Half of it afresh, half by each with what the other one wrote.

    Raises:
        NotPlayed: A release failed, or went on with what it does not know, or a chain does not
            verify.
    """
    afresh, updated, back = (before.with_name(name) for name in ("afresh", "updated", "back"))
    half_s, end_s = days // 2 * DAY_S, days * DAY_S
    take_over(before, afresh)
    play(base, before, 0, half_s)
    play(ROOT, afresh, 0, half_s)
    take_over(before, updated)
    take_over(afresh, back)
    play(base, before, half_s, end_s)
    play(ROOT, updated, half_s, end_s)
    known = _forms(before) == _forms(back)
    (play if known else _refuse)(base, back, half_s, end_s)
    meant = approved()
    first, second = (read(before, *part) for part in ((0, half_s), (half_s, end_s)))
    told.afresh += hold(told, first, read(afresh, 0, half_s), meant)
    told.updated += hold(told, second, read(updated, half_s, end_s), meant)
    if known:
        told.back += hold(told, second, read(back, half_s, end_s), ())
    else:
        told.refused += 1
    for played in (before, updated, back):
        told.records += whole(played)


def _forms(folder: Path) -> list[int]:
    """Read which steps of the schemas the databases of a store have gone through."""
    forms = list[int]()
    for file in _databases(folder):
        with closing(sqlite3.connect(file)) as db:
            forms += db.execute("PRAGMA user_version").fetchone()
    return forms


def _refuse(base: Path, folder: Path, first_s: int, last_s: int) -> None:
    """See that a release leaves a store alone whose files it does not know. Raises NotPlayed."""
    left = [file.read_bytes() for file in _databases(folder)]
    try:
        play(base, folder, first_s, last_s)
    except NotPlayed as refused:
        if SchemaTooNew.__name__ not in str(refused):
            raise
    else:
        raise NotPlayed(f"{folder}: it went on with a form that it does not know")
    if left != [file.read_bytes() for file in _databases(folder)]:
        raise NotPlayed(f"{folder}: it changed what it does not know")


def _databases(folder: Path) -> list[Path]:
    return [folder / "state" / "journal.db", folder / "state" / "rules" / "rules.db"]


def hold(told: Shadow, before: Decided, after: Decided, meant: Sequence[Approved]) -> int:
    """Hold what was decided against what is decided now; return how many decisions it was."""
    for found in differences(before, after):
        if all(_pairs(found, meant)):
            told.approved += 1
        else:
            told.differences.append(asdict(found))
    count = 0
    for bodies in before.values():
        count += len(bodies)
        told.answers.update(str(body["reason"]) for body in bodies if "reason" in body)
    return count


def whole(folder: Path) -> int:
    """Return how many records the audit of a store has. Raises NotPlayed: it does not verify."""
    found = verify(folder / "state" / "journal.db")
    if not isinstance(found, Verified):
        raise NotPlayed(f"{folder}: record {found.seq}: {found.why}")
    return found.count


def read(folder: Path, first_s: int, last_s: int) -> Decided:
    """Read what was decided at a store in [first_s, last_s) since it began."""
    moments = (BEGINS + timedelta(seconds=at_s) for at_s in (first_s, last_s))
    return decided(folder / "state" / "journal.db", *moments)


def _pairs(found: Difference, meant: Sequence[Approved]) -> Iterator[bool]:
    yield len(found.before) == len(found.after)
    for was, now in zip(found.before, found.after, strict=False):
        yield was == now or any(one.covers(was, now) for one in meant)
