"""What a transaction may say to the journal. Plain calls, made in the writer's thread."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime

from edged.core.events import LockerCommand
from edged.core.seating import SeatChange
from edged.store import codes, cosigned, limits, lockers, seats
from edged.store.codes import GrantedStep
from edged.store.cosigned import Cosignature
from edged.store.lockers import TakenCommand
from edged.store.record import GENESIS, Json, canonical, seal
from policy.locker_model import Locker
from policy.model import UsageKey, Visit


class Ledger:
    """The journal inside one transaction: all of it is stored, or nothing.

    A function given to `Journal.commit` gets one, and may not keep it. What an earlier call
    wrote, a later one sees.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._last: tuple[int, bytes] | None = None

    def forget(self) -> None:
        """Read anew what is remembered of the file: part of what was written is undone."""
        self._last = None

    def append(self, body: Mapping[str, Json]) -> int:
        """Add an audit record and return its seq, 1 for the first, without holes.

        Raises:
            ValueError: The body names seq or prev itself, or is over `limits.RECORD_BYTES`.
            TypeError: It holds something that is not Json.
        """
        seq, prev = self.last()
        record = seal(body, seq + 1, prev)
        self._db.execute(
            "INSERT INTO audit (seq, record, hash) VALUES (?, ?, ?)",
            (record.seq, record.data, record.hash),
        )
        self._last = record.seq, record.hash
        return record.seq

    def last(self) -> tuple[int, bytes]:
        """Return the number and the hash of the newest record; 0 and GENESIS if there is none."""
        if self._last is None:
            self._last = last(self._db)
        return self._last

    def hash_of(self, seq: int) -> bytes | None:
        """Return the hash of a record; None: it is not here."""
        row = self._db.execute("SELECT hash FROM audit WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    def audit_start(self) -> tuple[int, bytes]:
        """Return the number and the hash of the record before the first that is kept."""
        return cosigned.start(self._db)

    def cosign(self, cosignature: Cosignature, acked: datetime | None) -> None:
        """Keep a checkpoint that the cloud signed. `acked` None: nobody knows when."""
        cosigned.add(self._db, cosignature, acked)

    def prune(self, acked_before: datetime) -> int:
        """Drop the oldest records up to one checkpoint acknowledged before then; how many."""
        return cosigned.prune(self._db, acked_before)

    def answer_of(self, command: str) -> tuple[bytes, Json] | None:
        """Return the digest of a command of the cloud and its answer, if it was answered."""
        row = self._db.execute(
            "SELECT digest, answer FROM answered WHERE id = ?", (command,)
        ).fetchone()
        return None if row is None else (row[0], json.loads(row[1]))

    def answered(self) -> frozenset[str]:
        """Return the ids of all commands whose answers are kept."""
        return frozenset(row[0] for row in self._db.execute("SELECT id FROM answered"))

    def keep_answer(self, command: str, digest: bytes, answer: Json) -> None:
        """Keep a command's first answer; beyond `limits.ANSWERED` the oldest are forgotten."""
        number = self._db.execute(
            "INSERT OR IGNORE INTO answered (id, digest, answer) VALUES (?, ?, ?)",
            (command, digest, canonical(answer).decode()),
        ).lastrowid
        self._db.execute("DELETE FROM answered WHERE n <= ?", ((number or 0) - limits.ANSWERED,))

    def used(self, owners: Collection[str], first: date, last: date) -> frozenset[UsageKey]:
        """Return the keys of these contracts or tickets with a service date in [first, last].

        A key counts while some event that supports it is not withdrawn (spec/rules.md 2.6).
        """
        return used(self._db, owners, first, last)

    def add_key(self, key: UsageKey, event: str) -> None:
        """Let `event` support the key. Again: no change."""
        self._db.execute(
            "INSERT OR IGNORE INTO usage (owner, service_date, band, store, event)"
            " VALUES (?, ?, ?, ?, ?)",
            (key.owner, key.service_date.isoformat(), key.band, key.store or "", event),
        )

    def withdraw(self, event: str) -> None:
        """Take back what `event` counted or used up, whether it is known yet or not, for good.

        It supports no key any more, the code that it spent may be shown again, and nobody came
        in by it, which ends its visit and the booking's check-in. A phone's step stays granted:
        the phone shows the next one soon.
        """
        self._db.execute("INSERT OR IGNORE INTO withdrawn (event) VALUES (?)", (event,))
        self._db.execute("DELETE FROM spent WHERE event = ?", (event,))
        codes.give_back(self._db, event)
        self.nobody_came(event)

    def spend(self, code: str, event: str, issued_at: datetime, until: datetime) -> None:
        """Let `event` use a code up, at least `until` then.

        Codes whose time was over when this one was issued are forgotten: unlike a clock, a
        signed instant can't be turned on.
        """
        self._db.execute("DELETE FROM spent WHERE until < ?", (_text(issued_at),))
        self._db.execute(
            "INSERT OR IGNORE INTO spent (code, until, event) VALUES (?, ?, ?)",
            (code, _text(until), event),
        )

    def spent(self, code: str) -> bool:
        """Tell whether a code was used up."""
        row = self._db.execute("SELECT 1 FROM spent WHERE code = ?", (code,)).fetchone()
        return row is not None

    def granted_step(self, member: str) -> GrantedStep | None:
        """Return the last step of a member's phone that was granted, however long ago."""
        return codes.read_step(self._db, member)

    def grant_step(self, member: str, step: int, offset: int | None) -> None:
        """Keep a granted step and the phone's offset, None: as it was."""
        codes.write_step(self._db, member, step, offset)

    def booking_uses(self, booking: str, user: str) -> int:
        """Count how often a user's code of a booking was used."""
        return codes.uses(self._db, booking, user)

    def use_booking(
        self, booking: str, user: str, event: str, issued_at: datetime, until: datetime
    ) -> None:
        """Let `event` use a booking's code, remembered as long as `spend` remembers."""
        codes.forget(self._db, _text(issued_at))
        codes.use(self._db, booking, user, event, _text(until))

    def first_time(self, name: str) -> bool:
        """Tell whether this name was never given before; from now on it was."""
        found = self._db.execute("INSERT OR IGNORE INTO once (name) VALUES (?)", (name,))
        return found.rowcount == 1

    def known(self, name: str) -> bool:
        """Tell whether `first_time` was given this name."""
        row = self._db.execute("SELECT 1 FROM once WHERE name = ?", (name,)).fetchone()
        return row is not None

    def first_in(self, batch: str, number: int) -> bool:
        """Tell whether this part of a batch is not written yet; from now on it is.

        Only the newest batch is remembered: of those before it, somebody was told the end.
        """
        kept = self.get("batch")
        of_mine = kept if isinstance(kept, list) and kept[:1] == [batch] else [batch]
        if number in of_mine[1:]:
            return False
        self.put("batch", [*of_mine, number])
        return True

    def visit(self, member: str, store: str) -> Visit | None:
        """Return the open visit of a member at a store, however old."""
        return visit(self._db, member, store)

    def set_visit(self, member: str, visit: Visit, event: str = "") -> None:
        """Open a visit, in place of one at the same store (spec/rules.md 2.4).

        `event`: the entry that made it.
        """
        self._db.execute(
            "INSERT OR REPLACE INTO visit (member, store, since, until, device, via, band, event)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                member,
                visit.store,
                visit.since.isoformat(),
                None if visit.until is None else visit.until.isoformat(),
                visit.device,
                visit.via,
                visit.band,
                event,
            ),
        )

    def nobody_came(self, event: str) -> None:
        """End the visit that an entry made, and take back that it marked a booking as attended."""
        self._db.execute("DELETE FROM visit WHERE event = ?", (event,))
        self._db.execute("DELETE FROM checked_in WHERE event = ?", (event,))

    def close_visit(self, member: str, store: str) -> None:
        """End the visit of a member at a store, if there is one."""
        self._db.execute("DELETE FROM visit WHERE member = ? AND store = ?", (member, store))

    def check_in(self, member: str, booking: str, event: str) -> None:
        """Let `event` mark a member's booking as attended. Again: no change."""
        self._db.execute(
            "INSERT OR IGNORE INTO checked_in (member, booking, event) VALUES (?, ?, ?)",
            (member, booking, event),
        )

    def checked_in(self, member: str) -> frozenset[str]:
        """Return the member's bookings that were marked as attended here."""
        rows = self._db.execute("SELECT booking FROM checked_in WHERE member = ?", (member,))
        return frozenset(booking for (booking,) in rows)

    def clear_visits(self, *, member: str | None, store: str | None) -> int:
        """End every open visit of a member, or at a store; return how many there were."""
        done = self._db.execute(
            "DELETE FROM visit WHERE (?1 IS NULL OR member = ?1) AND (?2 IS NULL OR store = ?2)",
            (member, store),
        )
        return done.rowcount

    def lockers(self) -> dict[str, Locker]:
        """Return every locker that something ever happened to, by id."""
        return {locker.id: locker for locker in lockers.read(self._db)}

    def put_locker(self, locker: Locker) -> None:
        """Keep a locker as it is now."""
        lockers.write(self._db, locker)

    def taken_command(self, command: str) -> TakenCommand | None:
        """Return the command to a locker of this id, if it was taken."""
        return lockers.taken(self._db, command)

    def take_command(self, command: LockerCommand) -> None:
        """Keep a new command to a locker, not answered yet."""
        lockers.take(self._db, command)

    def answer_command(self, command: str, result: str) -> None:
        """Keep what a command to a locker was answered."""
        lockers.answer(self._db, command, result)

    def seat_change(self, store: str, seat: str) -> SeatChange | None:
        """Return the last change of a seat that was made here."""
        return seats.read(self._db, store, seat)

    def change_seat(self, change: SeatChange) -> None:
        """Keep what was done with a seat, in place of its last change."""
        seats.write(self._db, change)

    def get(self, name: str) -> Json:
        """Return a small value kept under a name; None when there is none."""
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        value: Json = None if row is None else json.loads(row[0])
        return value

    def put(self, name: str, value: Json) -> None:
        """Keep a small value under a name, in place of the one before."""
        self._db.execute(
            "INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)",
            (name, canonical(value).decode()),
        )


def last(db: sqlite3.Connection) -> tuple[int, bytes]:
    """Read the end of the audit; the contract is that of `Ledger.last`."""
    row = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return row or (0, GENESIS)


def _text(at: datetime) -> str:
    """Spell an instant so that the order of the texts is that of the instants."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def used(
    db: sqlite3.Connection, owners: Collection[str], first: date, last: date
) -> frozenset[UsageKey]:
    """Read usage keys; the contract is that of `Ledger.used`."""
    return frozenset(
        UsageKey(owner, band, date.fromisoformat(day), store or None)
        for owner in owners
        for band, day, store in db.execute(
            "SELECT DISTINCT band, service_date, store FROM usage"
            " WHERE owner = ? AND service_date BETWEEN ? AND ?"
            " AND NOT EXISTS (SELECT 1 FROM withdrawn WHERE withdrawn.event = usage.event)",
            (owner, first.isoformat(), last.isoformat()),
        )
    )


def visit(db: sqlite3.Connection, member: str, store: str) -> Visit | None:
    """Read an open visit; the contract is that of `Ledger.visit`."""
    row = db.execute(
        "SELECT store, since, until, device, via, band FROM visit WHERE member = ? AND store = ?",
        (member, store),
    ).fetchone()
    if row is None:
        return None
    at, since, until, device, via, band = row
    return Visit(
        at,
        datetime.fromisoformat(since),
        None if until is None else datetime.fromisoformat(until),
        device,
        via,
        band,
    )
