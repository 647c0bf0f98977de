"""What has to be true in the end: pure, from records as they were written and from reports.

Read as the contract says (cloud_link/README.md), without the code of either side.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
Counts = Mapping[tuple[str, str], int]
"""Days used, by contract and band."""


def strays(device: str, mine: Sequence[bytes], kept: Sequence[bytes]) -> Iterator[str]:
    """Name what only one side has of a device's records."""
    for side, found in (("the device", Counter(mine)), ("the cloud", Counter(kept))):
        other = Counter(kept) if side == "the device" else Counter(mine)
        if missing := (found - other).total():
            yield f"{device}: only {side} has {missing} records, or has them more often"


def doubled(device: str, records: Iterable[Record]) -> Iterator[str]:
    """Name what has one identity and two effects."""
    passages = Counter(each["event_id"] for each in records if each["kind"] == "passage")
    orders = Counter(each["command"] for each in records if each["kind"] == "command")
    for what, counts in (("passage", passages), ("command", orders)):
        for name, count in counts.items():
            if count > 1:
                yield f"{device}: {what} {name} {count} times"


def openings(records: Iterable[Record]) -> int:
    """Count the orders to open a door that were carried out."""
    return sum(
        each["kind"] == "command" and (each["verb"], each["result"]) == ("open", "OK")
        for each in records
    )


def used(records: Iterable[Record]) -> Counts:
    """Count what all devices' records say was used: both sets only grow."""
    holders: dict[str, set[str]] = {}
    gone = set()
    for each in records:
        if each["kind"] == "passage" and each["decision"] == "ALLOW":
            for key in (*each["usage_keys"], *each.get("kept_keys", ())):
                holders.setdefault(key, set()).add(each["event_id"])
        elif each["kind"] == "outcome" and each.get("withdrawn"):
            gone.add(each["event_id"])
    counted = (key.split("/") for key, events in holders.items() if events - gone)
    return Counter((owner, band) for owner, band, *_ in counted)


def miscounted(who: str, told: Iterable[Record], right: Counts) -> Iterator[str]:
    """Name the contracts that somebody counts otherwise than the records do."""
    said = {(row["owner"], row["band"]): row["count"] for row in told if row["count"]}
    for owner, band in sorted(said.keys() | right.keys()):
        has, should = said.get((owner, band), 0), right.get((owner, band), 0)
        if has != should:
            yield f"{who}: counts {has} of {owner} {band}, the records {should}"


def excesses(right: Counts, limit: int) -> set[tuple[str, int]]:
    """Say which contracts are over a limit, and by how much."""
    return {(owner, count - limit) for (owner, _), count in right.items() if count > limit}


def read(lines: Iterable[bytes]) -> list[Record]:
    """Read records."""
    return [json.loads(line) for line in lines]
