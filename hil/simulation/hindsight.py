"""The rare states that show only in the records of all devices together. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from hil.stores.verdict import Record

_AT_ONCE: Final = timedelta(seconds=30)


def shown(by_device: Mapping[str, Sequence[Record]], limits: Mapping[str, int]) -> Counter[str]:
    """Count them.

    Args:
        by_device: All that each device recorded, in its order.
        limits: How many days a month each contract has, 0: any number.
    """
    found = sum((_alone(records, limits) for records in by_device.values()), Counter[str]())
    places = {
        one["event_id"]: name for name, records in by_device.items() for one in _passages(records)
    }
    every = list(chain.from_iterable(by_device.values()))
    back = {one["event_id"] for one in every if one["kind"] == "outcome" and one.get("withdrawn")}
    found["a use taken back"] += len(back)
    passages = sorted(_passages(every), key=lambda one: str(one["occurred_at"]))
    for owner, limit in limits.items():
        mine = [one for one in passages if f"C-{one['member']}" == owner]
        found.update(_used(mine, places, limit, back))
    return found


def _passages(records: Iterable[Record]) -> list[Record]:
    return [one for one in records if one["kind"] == "passage" and one["member"] is not None]


def _alone(records: Iterable[Record], limits: Mapping[str, int]) -> Counter[str]:
    """Count what one device's records show of the others."""
    found, seen = Counter[str](), Counter[str]()
    for one in _passages(records):
        if one["reason"] == "QUOTA_EXHAUSTED":
            others = seen[one["member"]] < limits[f"C-{one['member']}"]
            found["kept out by what another device counted"] += others
        seen[one["member"]] += len(one["usage_keys"])
    return found


def _used(
    passages: Iterable[Record], places: Mapping[str, str], limit: int, back: set[str]
) -> Counter[str]:
    """Count what shows in one contract's passages at all doors, in the order of their times."""
    found = Counter[str]()
    first: dict[str, Record] = {}
    newest: Record | None = None
    for one in passages:
        place = places[one["event_id"]]
        for key in one.get("kept_keys", ()):
            away = key in first and places[first[key]["event_id"]] != place
            found["came again on a day that another device had counted"] += away
        for key in one["usage_keys"]:
            standing = sum(event["event_id"] not in back for event in first.values())
            twice = key in first and places[first[key]["event_id"]] != place
            found["one day counted by two devices"] += twice
            full = bool(limit) and key not in first and standing == limit
            if full and newest is not None and places[newest["event_id"]] != place:
                at_once = _at(one) - _at(newest) <= _AT_ONCE
                found["the last day of a limit used at two doors at once"] += at_once
            found["let in again by a use taken back"] += standing < limit <= len(first)
            first.setdefault(key, one)
            newest = one
    return found


def _at(record: Record) -> datetime:
    return datetime.fromisoformat(record["occurred_at"])
