"""Keys that come and go without a scan, and the report (spec/rules.md 2.6, 3.8, 3.9)."""

from tests.oracle.state import (
    Key,
    State,
    count,
    count_after,
    counted_together,
    member_now,
    owner_of,
)
from tests.oracle.times import Data


def _key(world: Data, step: Data) -> Key:
    by_store = world["settings"].get("dedupe_scope", "all_stores") == "store"
    return (
        step["contract"],
        step["band"],
        step["service_date"],
        step["store"] if by_store else None,
    )


def used(world: Data, state: State, step: Data) -> Data:
    state.support(_key(world, step), step.get("event") or state.fresh_event())
    return {}


def merge_key(world: Data, state: State, step: Data) -> Data:
    added = state.support(_key(world, step), step["event"])
    return _told(world, state, step, added=added)


def manual_record(world: Data, state: State, step: Data) -> Data:
    added = step["consume"] and state.support(_key(world, step), step["event"])
    return _told(world, state, step, added=added)


def _told(world: Data, state: State, step: Data, *, added: bool) -> Data:
    member = owner_of(world, state, step["contract"])
    counts = count_after(world, state, member, step["service_date"])
    return {"keys_added": int(added), "count_after": counts}


def retract(world: Data, state: State, step: Data) -> Data:
    gone = _withdraw(state, step["event"])
    member = member_now(world, state, step["member"])
    counts = count_after(world, state, member, step["at"][:10])
    return {"keys_removed": len(gone), "count_after": counts}


def lock_fault(world: Data, state: State, step: Data) -> Data:
    """As `retract`: a ticket that was used for the entry is given back with its key."""
    return {**retract(world, state, step), "outcome": "LOCK_FAULT"}


def _withdraw(state: State, event: str) -> list[Key]:
    before = [key for key, events in state.keys.items() if event in events and state.live(key)]
    state.withdrawn.add(event)
    return [key for key in before if not state.live(key)]


def report(world: Data, state: State, step: Data) -> Data:
    lines = []
    for member in world["members"]:
        for contract in member["contracts"]:
            for band in contract["plan"]["bands"]:
                limit = band["limit"]
                number = sum(
                    count(world, state, owner["id"], band["kind"], step["month"])
                    for owner in counted_together(world["settings"], member, contract)
                )
                if limit is not None and number > limit:
                    line = {"contract": contract["id"], "band": band["kind"]}
                    lines.append(
                        {**line, "count": number, "limit": limit, "excess": number - limit}
                    )
    return {"lines": lines}


def set_member(_world: Data, state: State, step: Data) -> Data:
    state.changes.setdefault(step["member"], {}).update(step["set"])
    return {}
