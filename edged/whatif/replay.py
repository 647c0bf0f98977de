"""Which recorded entries would come out otherwise under other rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from edged.clock import ClockState
from edged.core.counter import is_counter
from edged.core.door_words import DoorOutcome
from edged.core.events import Kind
from edged.messages import MessageClass, message_class
from edged.rulebook.file import RuleSet
from edged.store.errors import FailKind, StoreFailed
from edged.whatif import journal
from policy import compare
from policy.limits import HANDLE_BYTES
from policy.model import CodeKind, Reason, Scene, Side, Usage, UsageKey, Verdict, Visit

_TRUSTED: Final = {ClockState.SYNCED.value, ClockState.HOLDOVER.value}
_NOT_BY_RULES: Final = {
    Reason.RECORD_FAILED,
    Reason.INTERNAL_ERROR,
    Reason.STAFF,
    Reason.INTERLOCK,
}
_BY_CODE: Final = {MessageClass.NOT_READ, MessageClass.SHOW_AGAIN, MessageClass.REPLACED}


@dataclass(frozen=True, slots=True)
class Recorded(compare.Passage):
    """A recorded entry and its place in the audit; `local_time` is the store's."""

    seq: int
    local_time: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A recorded entry that would come out otherwise."""

    was: Recorded
    after: compare.Answer


class Replay:
    """The entries of a journal, asked again under other rules.

    Each is judged by what the records before it say: the keys that were added and not
    withdrawn, who was inside, the clock, the lockdown. Keys of other stores, and members' rights
    of that time, are not in the records: the rules' are taken.

    Args:
        rule_set: The draft.
        path: The journal.
        since: The first local date of entries to ask about.
    """

    def __init__(self, rule_set: RuleSet, path: Path, since: date) -> None:
        self._rule_set, self._path, self._since = rule_set, path, since
        self._keys: dict[str, dict[UsageKey, set[str]]] = {}
        self._withdrawn: set[str] = set()
        self._visits: dict[tuple[str, str], tuple[str, Visit]] = {}
        self._came: dict[str, tuple[str, str]] = {}
        self.asked = 0
        """Entries that were asked about."""
        self.left_out = 0
        """Entries that no member's rights decided: staff, unusable or booking codes, failures,
        and what a counter gives."""

    def differences(self) -> Iterator[Difference]:
        """Yield what would come out otherwise, in the order of the audit.

        Raises:
            SchemaTooNew, StoreFailed: The journal can't be read, or a record is damaged.
        """
        for found in compare.replay(self._rule_set.rules, self._rule_set.members, self._passages()):
            # It is a Recorded; only the type has forgotten.
            if isinstance(found.passage, Recorded) and _differ(found):
                yield Difference(found.passage, found.after)

    def _passages(self) -> Iterator[Recorded]:
        """Yield the entries to ask about, and take in each record after it was asked about."""
        for body in journal.records(self._path):
            try:
                if body["kind"] == Kind.PASSAGE:
                    passage = self._passage(body)
                    if passage is not None:
                        yield passage
                    if body["member"] is not None:
                        self._take_in(body)
                elif body["kind"] == Kind.OUTCOME:
                    self._settle(body)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                text = f"record {body.get('seq')}: {error!r}"
                raise StoreFailed(FailKind.CORRUPT, text) from error

    def _passage(self, body: Mapping[str, Any]) -> Recorded | None:
        """Rebuild an entry; None for what is not asked about."""
        local, reason = body["local_time"], Reason(body["reason"])
        if body["side"] != Side.IN or date.fromisoformat(local[:10]) < self._since:
            return None
        by_code = message_class(reason) in _BY_CODE or body["code_kind"] == CodeKind.B1
        unruled = reason in _NOT_BY_RULES or body["member"] is None or "gap" in body
        if unruled or by_code or self._at_counter(body):
            self.left_out += 1
            return None
        self.asked += 1
        member = self._member_id(body["member"])
        keys = tuple(map(_key, body["usage_keys"]))
        verdict = Verdict(body["decision"])
        answer = compare.Answer(verdict, reason, body["via"], body["band"], keys)
        scene = self._scene(body, member, reason)
        return Recorded(body["device"], member, scene, answer, body["seq"], local)

    def _scene(self, body: Mapping[str, Any], member: str, reason: Reason) -> Scene:
        """Set the scene by what the records know; what let in then is there still."""
        scene = Scene(
            datetime.fromisoformat(body["occurred_at"]),
            self._used(member),
            self._visits.get((member, self._store(body)), ("", None))[1],
            clock_trusted=body["clock"] in _TRUSTED,
            lockdown=reason is Reason.LOCKDOWN,
        )
        told = message_class(reason)
        if body["via"] == "seat" or told is MessageClass.CHECK_SEAT:
            scene = replace(scene, seat_refusal=None if body["via"] else reason)
        if body["via"] == "room" or told is MessageClass.CHECK_BOOKING:
            scene = replace(scene, room_refusal=None if body["via"] else reason)
        return scene

    def _used(self, member: str) -> Usage:
        """Return the keys that exist by now, of what the draft says that the member has."""
        person = self._rule_set.members.get(member)
        if person is None:
            return Usage.of(())
        owners = (*(c.id for c in person.contracts), *(t.id for t in person.tickets))
        return Usage.of(
            key
            for owner in owners
            for key, events in self._keys.get(owner, {}).items()
            if not events <= self._withdrawn
        )

    def _take_in(self, body: Mapping[str, Any]) -> None:
        """Remember what a passage changed: the keys that it supports, and who is inside."""
        member, store = self._member_id(body["member"]), self._store(body)
        for key in map(_key, (*body["usage_keys"], *body.get("kept_keys", ()))):
            self._keys.setdefault(key.owner, {}).setdefault(key, set()).add(body["event_id"])
        if body["side"] == Side.OUT:
            self._visits.pop((member, store), None)
        elif body["decision"] == Verdict.ALLOW and body["via"] is not None and self._counts(body):
            since = datetime.fromisoformat(body["occurred_at"])
            visit = Visit(store, since, None, body["device"], body["via"], body["band"])
            self._visits[member, store] = body["event_id"], visit
            self._came[body["event_id"]] = member, store

    def _settle(self, body: Mapping[str, Any]) -> None:
        """Take back what an event counted, and the visit that it made, as the journal does."""
        event, result = body["event_id"], body["outcome"]
        if body.get("withdrawn") or result == DoorOutcome.LOCK_FAULT:
            self._withdrawn.add(event)
        place = self._came.pop(event, None)
        if place is not None and result != DoorOutcome.DOOR_OPENED:
            came, _ = self._visits.get(place, ("", None))
            if came == event:
                del self._visits[place]

    def _member_id(self, said: str) -> str:
        """Return the id of whom a record names by id, or by handle if no rules knew it then."""
        if said in self._rule_set.records or len(said) != 2 * HANDLE_BYTES:
            return said
        try:
            return self._rule_set.handles.get(bytes.fromhex(said), said)
        except ValueError:
            return said

    def _store(self, body: Mapping[str, Any]) -> str:
        device = self._rule_set.rules.devices.get(body["device"])
        return "" if device is None else device.store

    def _at_counter(self, body: Mapping[str, Any]) -> bool:
        device = self._rule_set.rules.devices.get(body["device"])
        return device is not None and is_counter(device)

    def _counts(self, body: Mapping[str, Any]) -> bool:
        device = self._rule_set.rules.devices.get(body["device"])
        return device is None or (device.counts and not is_counter(device))


def _differ(found: compare.Otherwise) -> bool:
    """Tell whether more differs than the instants of a ticket's entries, which the clock gave."""
    before, after = found.passage.answer, found.after
    return before.verdict is not after.verdict or _timeless(before) != _timeless(after)


def _timeless(answer: compare.Answer) -> list[UsageKey]:
    return [key._replace(band=key.band.partition("@")[0]) for key in answer.counted]


def _key(said: str) -> UsageKey:
    """Read a usage key as `UsageKey` spells it; no part of it has a slash in it."""
    owner, band, day, *store = said.split("/")
    return UsageKey(owner, band, date.fromisoformat(day), store[0] if store else None)
