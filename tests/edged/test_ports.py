import uuid

from edged import limits
from edged.ports import EventIds


def test_event_ids_are_random_uuids_and_never_the_same() -> None:
    some, others = EventIds(), EventIds()
    ids = [new() for new in (some, others) for _ in range(3 * limits.EVENT_IDS_AHEAD)]
    assert len(set(ids)) == len(ids)
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in ids} == {(4, uuid.RFC_4122)}
