import random
import secrets
import uuid

import pytest

from edged import limits
from edged.ports import EventIds


def test_event_ids_are_random_uuids_and_never_the_same() -> None:
    some, others = EventIds(), EventIds()
    ids = [new() for new in (some, others) for _ in range(3 * limits.EVENT_IDS_AHEAD)]
    assert len(set(ids)) == len(ids)
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in ids} == {(4, uuid.RFC_4122)}


def test_event_ids_are_spelled_as_uuids_are(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = random.Random(1).randbytes(limits.EVENT_IDS_AHEAD * 16)
    monkeypatch.setattr(secrets, "token_bytes", lambda _: drawn)
    new = EventIds()
    for at in range(0, len(drawn), 16):
        assert new() == str(uuid.UUID(bytes=drawn[at : at + 16], version=4))
