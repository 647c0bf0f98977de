"""If the line drops now: who still gets in, until when, and for how long there is room."""

import json
import shutil
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from edged.store import audit
from edged.store.record import Record
from edged.whatif import sources
from edged.whatif.ask import State
from policy.calendar import local_date
from policy.model import Contract, Member

_SAMPLE: Final = 1_000
"""Records by whose pace the room is reckoned."""
_DAY_S: Final = 86_400


async def readiness(state: State) -> Mapping[str, object]:
    """Say how long this device can do without the cloud, plain JSON values only.

    `members`: those whose plan or ticket is valid today; `until`: when the rules are older than
    they may be (`rules_max_age_h`), in the store's time; `buffer_days`: for how many days of
    records like the newest there is room, None while there are too few to tell.

    Raises:
        NotFound: There are no rules.
        SchemaTooNew, StoreFailed: A database can't be read.
    """
    now = state.clock.now().at
    async with sources.active(state.settings.state_dir) as source:
        rules = source.rules
        store = source.stores(state.ours)[0]
        today = local_date(store, now)
        valid = 0
        for name in source.ids:
            member = await source.find(name)
            valid += member is not None and may_come(member, today)
        until = rules.issued_at + timedelta(hours=rules.settings.rules_max_age_h)
        newest = audit.read_newest(state.journal, _SAMPLE) if state.journal.exists() else []
        free = shutil.disk_usage(state.settings.state_dir).free
        return {
            "members": valid,
            "all_members": len(source.ids),
            "until": until.astimezone(store.tz).isoformat(timespec="minutes"),
            "stale": now > until,
            "buffer_days": room_days(newest, free),
        }


def may_come(member: Member, day: date) -> bool:
    """Tell whether a member has a contract or a ticket for a day, and nothing stops them."""
    if member.withdrawn or member.suspended or member.id_suspended:
        return False
    return any(_runs(one, day) for one in member.contracts) or any(
        one.remaining > 0 and _lasts(one.valid_from, one.valid_to, day) for one in member.tickets
    )


def _runs(contract: Contract, day: date) -> bool:
    paused = any(first <= day <= last for first, last in contract.paused)
    return not paused and _lasts(contract.start, contract.end, day)


def _lasts(first: date, last: date | None, day: date) -> bool:
    return first <= day and (last is None or day <= last)


def room_days(newest: list[Record], free: int) -> int | None:
    """Reckon for how many days `free` bytes are enough at the pace of these records."""
    instants = [_at(record) for record in (*newest[:1], *newest[-1:])]
    took_s = (instants[-1] - instants[0]).total_seconds() if instants else 0
    if took_s <= 0:
        return None
    per_day = sum(len(record.data) for record in newest) / took_s * _DAY_S
    return int(free / 2 / per_day)  # the index, the WAL, and somebody else's files


def _at(record: Record) -> datetime:
    return datetime.fromisoformat(json.loads(record.data)["occurred_at"])
