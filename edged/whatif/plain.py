"""Answers as plain JSON values, for programs. Keys are append-only."""

from dataclasses import asdict
from typing import Any

from edged.whatif.ask import Used
from edged.whatif.compare import Changed, Tally
from edged.whatif.month import Month
from edged.whatif.replay import Difference
from edged.whatif.usage import Line, Over
from policy.compare import Answer

Plain = dict[str, Any]


def answer(said: Answer) -> Plain:
    """Spell a decision."""
    return {
        "decision": said.verdict.value,
        "reason": said.reason.value,
        "via": said.via,
        "band": said.band,
        "counts": [str(key) for key in said.counted],
    }


def changed(found: Changed) -> Plain:
    """Spell a change; times are the store's own."""
    change, tz = found.change, found.store.tz
    return {
        "member": found.member,
        "device": found.device,
        "access": found.kind,
        "from": change.start.astimezone(tz).isoformat(),
        "to": change.end.astimezone(tz).isoformat(),
        "before": answer(change.before),
        "after": answer(change.after),
    }


def tally(found: Tally) -> Plain:
    """Spell the counts of a comparison."""
    return {
        "members": found.members,
        "changed": found.changed,
        "gained": found.kinds["gained"],
        "lost": found.kinds["lost"],
        "counted": found.kinds["counted"],
        "reasons": [
            {"before": before, "after": after, "changes": count}
            for (before, after), count in found.reasons.most_common()
        ],
    }


def difference(found: Difference) -> Plain:
    """Spell an entry that would come out otherwise."""
    was = found.was
    return {
        "seq": was.seq,
        "at": was.local_time,
        "device": was.device,
        "member": was.member,
        "before": answer(was.answer),
        "after": answer(found.after),
    }


def line(of: Used, used: Line) -> Plain:
    """Spell the uses of a band in a month."""
    return {
        "member": of.member,
        "month": f"{of.month:%Y-%m}",
        "owner": used.owner,
        "plan": used.plan,
        "band": used.band,
        "count": used.count,
        "limit": used.limit,
        "left": used.left,
        "others_as_of": of.others_as_of,
        "days": [
            {
                "date": held.key.service_date.isoformat(),
                "store": held.key.store,
                "counts": bool(held.events),
                "events": list(held.events),
                "withdrawn": list(held.withdrawn),
            }
            for held in used.days
        ],
    }


def over(found: Over) -> Plain:
    """Spell a limit that was exceeded, by the columns of the report."""
    of = found.found
    return {
        "member": found.member,
        "contract": of.contract,
        "band": of.band,
        "count": of.count,
        "limit": of.limit,
        "excess": of.excess,
    }


def month(of: Month) -> Plain:
    """Spell a month; minutes are those of the store's wall clock, from midnight on."""
    return {
        "member": of.member,
        "device": of.device,
        "store": of.store,
        "month": f"{of.first:%Y-%m}",
        "today": of.today.isoformat(),
        "left": [asdict(quota) for quota in of.quotas],
        "days": [{**asdict(day), "date": day.date.isoformat()} for day in of.days],
    }
