import csv
import hashlib
import io
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path

import pytest

from edged.store import audit, checksum
from edged.store.audit import Broken, Verified
from edged.store.connection import open_database
from edged.store.errors import FailKind, StoreFailed
from edged.store.journal import Journal
from edged.store.ledger import Ledger
from edged.store.migrations import JOURNAL
from edged.store.record import GENESIS, Json, canonical, seal
from policy.model import UsageKey, Visit

COUNT = 12
Row = tuple[int, bytes, bytes]


def append(body: Mapping[str, Json]) -> Callable[[Ledger], int]:
    return lambda ledger: ledger.append(body)


def rows() -> list[Row]:
    made, prev = [], GENESIS
    for seq in range(1, COUNT + 1):
        record = seal({"kind": "passage", "member": f"M{seq}", "warnings": ["é"]}, seq, prev)
        made.append((record.seq, record.data, record.hash))
        prev = record.hash
    return made


@pytest.fixture
def check(tmp_path: Path) -> Callable[[list[Row]], Verified | Broken]:
    """Verify a journal that holds exactly these rows."""
    path = tmp_path / "journal.db"

    def verify(rows: list[Row]) -> Verified | Broken:
        with closing(open_database(path, JOURNAL)) as db:
            db.execute("DELETE FROM audit")
            db.executemany("INSERT INTO audit VALUES (?, ?, ?)", rows)
            checksum.begin(db)
        return audit.verify(path)

    return verify


Check = Callable[[list[Row]], Verified | Broken]


def test_an_untouched_log_verifies(check: Check) -> None:
    assert check(rows()) == Verified(COUNT, rows()[-1][2])
    assert check([]) == Verified(0, GENESIS)


def test_every_changed_byte_shows(check: Check, tmp_path: Path) -> None:
    good = rows()
    check(good)
    with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as db:
        for index in (0, COUNT // 2, COUNT - 1):
            seq, record, digest = good[index]
            changed = [
                (record[:at] + bytes([record[at] ^ 1]) + record[at + 1 :], digest)
                for at in range(len(record))
            ] + [
                (record, digest[:at] + bytes([digest[at] ^ 1]) + digest[at + 1 :])
                for at in range(len(digest))
            ]
            for row in changed:
                db.execute("UPDATE audit SET record = ?, hash = ? WHERE seq = ?", (*row, seq))
                found = audit.verify(tmp_path / "journal.db")
                assert isinstance(found, Broken)
                assert found.seq == seq
            db.execute("UPDATE audit SET record = ?, hash = ? WHERE seq = ?", (record, digest, seq))


@pytest.mark.parametrize("gone", range(COUNT - 1))
def test_every_deletion_shows(check: Check, gone: int) -> None:
    left = rows()
    del left[gone]
    assert isinstance(check(left), Broken)
    closed_up = [(seq, record, digest) for seq, (_, record, digest) in enumerate(left, start=1)]
    assert isinstance(check(closed_up), Broken)


@pytest.mark.parametrize("cut", [(a, b) for a, b in combinations(range(COUNT), 2) if b > a + 1])
def test_every_cut_in_the_middle_shows(check: Check, cut: tuple[int, int]) -> None:
    all_rows = rows()
    assert isinstance(check(all_rows[: cut[0]] + all_rows[cut[1] :]), Broken)


@pytest.mark.parametrize("pair", list(combinations(range(COUNT), 2)))
def test_every_swap_shows(check: Check, pair: tuple[int, int]) -> None:
    a, b = pair
    good, swapped = rows(), rows()
    swapped[a] = (good[a][0], *good[b][1:])
    swapped[b] = (good[b][0], *good[a][1:])
    found = check(swapped)
    assert isinstance(found, Broken)
    assert found.seq == a + 1


@pytest.mark.parametrize("place", range(1, COUNT))
def test_every_insertion_shows(check: Check, place: int) -> None:
    good = rows()
    forged = seal({"kind": "forged"}, place + 1, good[place - 1][2])
    moved = [(seq + 1, record, digest) for seq, record, digest in good[place:]]
    found = check([*good[:place], (forged.seq, forged.data, forged.hash), *moved])
    assert isinstance(found, Broken)
    assert found.seq == place + 2


@pytest.mark.parametrize("place", range(COUNT - 1))
def test_a_forged_record_with_its_own_hash_breaks_the_next(check: Check, place: int) -> None:
    good = rows()
    forged = seal({"kind": "forged"}, place + 1, good[place - 1][2] if place else GENESIS)
    good[place] = (forged.seq, forged.data, forged.hash)
    assert check(good) == Broken(place + 2, "the record does not follow the one before")


def test_another_spelling_of_the_same_record_is_no_record(check: Check) -> None:
    spaced = rows()[0][1].replace(b'":"', b'": "')
    found = check([(1, spaced, hashlib.sha256(spaced).digest())])
    assert found == Broken(1, "the record is not canonical")


async def test_records_are_read_beside_the_writer(journal: Journal, tmp_path: Path) -> None:
    for i in range(5):
        await journal.commit(append({"n": i}))
    path = tmp_path / "journal.db"
    assert [record.seq for record in audit.read_records(path, 2, 2)] == [3, 4]
    assert audit.read_records(path, 5, 10) == []
    assert [record.seq for record in audit.read_newest(path, 2)] == [4, 5]
    assert len(audit.read_newest(path, 100)) == 5
    assert isinstance(audit.verify(path), Verified)


async def test_usage_and_visits_are_read_beside_the_writer(
    journal: Journal, tmp_path: Path
) -> None:
    key = UsageKey("C1", "DAY", date(2026, 11, 4))
    visit = Visit("S1", datetime(2026, 11, 4, tzinfo=UTC), None, "D1", "plan:P", None)

    def story(ledger: Ledger) -> None:
        ledger.add_key(key, "e")
        ledger.set_visit("M1", visit)

    await journal.commit(story)
    path = tmp_path / "journal.db"
    assert audit.read_used(path, ["C1"], date(2026, 11, 1), date(2026, 11, 30)) == {key}
    assert audit.read_visit(path, "M1", "S1") == visit
    assert audit.read_visit(path, "M2", "S1") is None


def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed) as failed:
        audit.verify(tmp_path / "journal.db")
    assert failed.value.kind is FailKind.IO
    assert list(tmp_path.iterdir()) == []


@pytest.mark.threat("A10")
async def test_csv_has_fixed_columns_and_no_formula(journal: Journal, tmp_path: Path) -> None:
    bodies: list[Mapping[str, Json]] = [
        {
            "kind": "passage",
            "event_id": "e1",
            "usage_keys": ["C1/DAY/2026-11-04", "C1/N/2026-11-04"],
        },
        {"kind": "alarm", "source": "=1+1", "raised": True, "lost": -3},
        {
            "member": "=cmd()",
            "door": "-2",
            "band": "@x",
            "via": "+1",
            "reason": "\tx",
            "mode": None,
        },
    ]
    for body in bodies:
        await journal.commit(append(body))
    out = io.StringIO(newline="")
    assert audit.export_csv(tmp_path / "journal.db", out) == 3
    out.seek(0)
    passage, alarm, evil = csv.DictReader(out)
    assert tuple(passage) == audit.COLUMNS
    assert (passage["seq"], passage["kind"], passage["event_id"]) == ("1", "passage", "e1")
    assert passage["usage_keys"] == "C1/DAY/2026-11-04 C1/N/2026-11-04"
    assert passage["prev"] == GENESIS.hex()
    assert alarm["more"] == '{"lost":-3,"raised":true,"source":"=1+1"}'
    assert (evil["member"], evil["door"], evil["band"], evil["via"], evil["reason"]) == (
        "'=cmd()",
        "'-2",
        "'@x",
        "'+1",
        "'\tx",
    )
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in evil.values())


def test_canonical_is_one_spelling() -> None:
    assert canonical({"b": [1, None, True], "a": {"é": "\u2028"}}) == (
        b'{"a":{"\\u00e9":"\\u2028"},"b":[1,null,true]}'
    )


def test_a_record_that_is_none_is_not_exported(check: Check, tmp_path: Path) -> None:
    check([(1, b"rubbish", bytes(32))])
    with pytest.raises(StoreFailed, match="corrupt: record 1"):
        audit.export_csv(tmp_path / "journal.db", io.StringIO())
