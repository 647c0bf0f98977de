"""A small change of a large set: the file in use is copied, and what changed is written anew.

Only what a change can't break is left unlooked at: members whose part is the same, under rules
that are the same but for their version and their date. Everything else is built whole.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cloud_link.shapes import canonical, read
from cloud_link.wire import Manifest, Part
from edged.cloud import limits, parts
from edged.cloud.parts import BASE, MEMBERS, VECTORS, Store, Unfit
from edged.errors import RulesFaulty
from edged.rulebook import file as rules_file
from edged.rulebook.file import RuleSet
from edged.store import opened, rules
from edged.store.connection import connect_read_only, quick_check
from edged.store.errors import store_failure
from policy.model import Member

_HEAD: Final = frozenset({"version", "issued_at"})
"""What a change may change in the base without touching anybody's right."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be written: the rules, and the parts whose members are others, of `count`."""

    manifest: Manifest
    base: RuleSet
    changed: Sequence[Part]
    count: int
    store: Store


def change(manifest: Manifest, store: Store, folder: Path) -> Path | None:
    """Build a set from the one in use; None: it has to be built whole, which says what is wrong.

    Raises:
        Unfit: It is not what the manifest says.
        RulesFaulty: A member that changed has faults.
        StoreFailed, OSError: It could not be written.
    """
    active = rules.active_file(folder)
    if active is None:
        return None
    try:
        found = _compared(manifest, store, folder / active)
    except sqlite3.Error:  # damaged, which stops no other rules
        return None
    if found is None:
        return None
    building = folder / rules.BUILDING
    shutil.copyfile(folder / active, building)
    try:
        with closing(sqlite3.connect(building, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            _write(db, found)
            _try_out(db, found)
            quick_check(db, building)
    except sqlite3.IntegrityError:  # two members have what only one can
        return None
    except sqlite3.Error as error:
        raise store_failure(error) or error from error
    return rules.put_in_place(building, rules.file_name(manifest.version, manifest.fingerprint))


def _compared(manifest: Manifest, store: Store, active: Path) -> _Change | None:
    """Compare with what the file in use was put together from; None: too much is other."""
    with closing(connect_read_only(active)) as db:
        row = db.execute("SELECT manifest, document FROM source, base").fetchone()
    if row is None:
        return None
    before, document = read(Manifest, row[0]), json.loads(row[1])
    by_name = parts.laid_out(manifest)
    base = parts.base(manifest, store.unpack(by_name[BASE]))
    was = {part.name: part.sha256 for part in before.parts if part.name.startswith(MEMBERS)}
    now = {name: part for name, part in by_name.items() if name.startswith(MEMBERS)}
    if _lasting(base) != _lasting(document) or was.keys() != now.keys():
        return None
    checked = rules_file.join(base, (), 0)
    if not isinstance(checked, RuleSet):
        raise RulesFaulty([f"{one.path}: {one.message} ({one.code})" for one in checked])
    changed = [part for name, part in now.items() if part.sha256 != was[name]]
    return _Change(manifest, checked, changed, len(now), store)


def _lasting(document: Mapping[str, object]) -> Mapping[str, object]:
    return {name: said for name, said in document.items() if name not in _HEAD}


def _write(db: sqlite3.Connection, new: _Change) -> None:
    """Take the members of the changed parts out and put the new ones in, all others as they are.

    Raises sqlite3.IntegrityError: one of them has what another has.
    """
    found = rules_file.read_members(
        parts.members(new.changed, new.count, new.store), new.base.rules
    )
    if not isinstance(found, tuple):
        raise RulesFaulty([f"{one.path}: {one.message} ({one.code})" for one in found])
    records, taken = found
    numbers = {parts.number(part) for part in new.changed}
    db.execute("BEGIN")
    old = [
        row
        for row in db.execute("SELECT id FROM member").fetchall()
        if parts.home(row[0], new.count) in numbers
    ]
    db.executemany("DELETE FROM owned WHERE member = ?", old)
    db.executemany("DELETE FROM plain WHERE handle = (SELECT handle FROM member WHERE id = ?)", old)
    db.executemany("DELETE FROM member WHERE id = ?", old)
    for handle, member in taken.handles.items():
        rules.put_member(db, handle, member, records[member])
    rules.put_plain(db, taken.plain)
    db.executemany(rules.PUT_OWNED, rules.owned(taken.owners, taken.seats))
    rules.put_base(db, new.manifest.version, new.manifest.fingerprint, new.base.base)
    rules.put_source(db, canonical(new.manifest))
    (count,) = db.execute("SELECT count(*) FROM member").fetchone()
    if count > limits.MEMBERS:
        raise Unfit(f"members: more than {limits.MEMBERS}")
    every = db.execute("SELECT id, body FROM member ORDER BY id")
    if rules_file.fingerprint(new.base.base, every) != new.manifest.fingerprint:
        raise Unfit("fingerprint: is not that of the manifest")
    db.execute("COMMIT")


def _try_out(db: sqlite3.Connection, new: _Change) -> None:
    """Let the set answer its own vectors. Raises Unfit."""
    asked = [part for part in new.manifest.parts if part.name == VECTORS]
    for part in asked:
        parts.check_vectors(new.base.rules, _Stored(db), new.store.unpack(part))


class _Stored(Mapping[str, Member]):
    """The members of a file, each built when it is asked for."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __getitem__(self, member: str) -> Member:
        found = opened.by_id(member, self._db)
        if found is None:
            raise KeyError(member)
        return found

    def __iter__(self) -> Iterator[str]:
        return (member for (member,) in self._db.execute("SELECT id FROM member"))

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM member").fetchone()[0])
