"""The audit as lines that anybody can verify: records, and the checkpoints that sign for them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from edged.store import audit, cosigned, limits
from edged.store.connection import connect_read_only
from edged.store.errors import store_failure
from edged.store.migrations import JOURNAL, check_version


def export_lines(path: Path, out: BinaryIO) -> int:
    """Write all records, each as it was hashed, and after each the checkpoint of it that is kept.

    What was pruned is stood for by the checkpoint that it ended with, which comes first. Returns
    how many records there are.

    Raises:
        SchemaTooNew, StoreFailed: The file can't be read.
    """
    count = 0
    try:
        with closing(connect_read_only(path)) as db:
            check_version(db, path, JOURNAL)
            for line, is_record in _lines(db):
                out.write(line + b"\n")
                count += is_record
    except sqlite3.Error as error:
        raise store_failure(error) or error from error
    return count


def _lines(db: sqlite3.Connection) -> Iterator[tuple[bytes, bool]]:
    after, _ = cosigned.start(db)
    signed = {one.seq: one.envelope for one in cosigned.read(db)}
    if after in signed:
        yield _spelt(signed[after]), False
    while page := audit.page(db, after, limits.PAGE_RECORDS):
        for record in page:
            yield record.data, True
            if record.seq in signed:
                yield _spelt(signed[record.seq]), False
        after = page[-1].seq


def _spelt(envelope: bytes) -> bytes:
    """Spell an envelope as one line that begins with its first key."""
    return json.dumps(json.loads(envelope), sort_keys=True, separators=(",", ":")).encode()
