"""One loop a reader: from a text that was read to a door that is asked to let somebody through.

Coming in: the record is on disk before the door hears of it. Going out: the door hears of it
first (ARCHITECTURE, invariant 2). Each reader has a loop of its own, so that an entry that waits
for the disk keeps nobody from leaving.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from drivers.api import Scan, Signal
from edged import desk, limits, outlook, scene, translate
from edged.clock import Instant
from edged.core import access, counter, events, presentation
from edged.core.alarm_words import AlarmName
from edged.core.door_words import DoorOutcome
from edged.core.presentation import Seen
from edged.credentials import claims, read
from edged.credentials.read import Refused
from edged.feedback import Feedback
from edged.gate import Gate
from edged.mailbox import Mailbox
from edged.ports import Ports
from edged.scene import Arrival
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from policy.model import (
    Decision,
    Device,
    KeyRole,
    Member,
    Mode,
    Reason,
    Rules,
    RuleSettings,
    Side,
    Verdict,
)

log = structlog.get_logger()

OVERFLOW = "OVERFLOW"
"""Counted with the refused codes: those that came faster than they could be read."""


@dataclass(frozen=True, slots=True)
class _Presentation:
    """A text that has just come before the reader."""

    scan: Scan
    digest: bytes
    at_ms: int


class Passage:
    """A reader: its mailbox, what it remembers of texts, its light.

    `gate` None: there is no door; nothing moves for what is decided here.
    """

    def __init__(self, name: str, gate: Gate | None, feedback: Feedback, ports: Ports) -> None:
        self.name = name
        self._gate = gate
        self._feedback = feedback
        self._ports = ports
        self._mailbox: Mailbox[_Presentation] = Mailbox(limits.READER_MAILBOX)
        self._memory: presentation.Memory = ()
        self._undecided: set[bytes] = set()
        self._refused: Counter[str] = Counter()
        self._refused_since = ports.clock.now().at

    @property
    def overflow(self) -> int:
        """Reads of codes that came faster than they could be decided."""
        return self._mailbox.refused

    def scanned(self, scan: Scan) -> None:
        """Take a read from the driver; never waits. It is decided if it is a new presentation."""
        rules, device = self._terms()
        settings = RuleSettings() if rules is None else rules.settings
        entering = device is not None and device.side is Side.IN
        digest, now_ms = self._ports.digest(scan.text), self._ports.clock.monotonic_ms()
        memory, seen = presentation.step(
            self._memory,
            digest,
            now_ms,
            gap_ms=settings.presentation_gap_ms,
            debounce_ms=settings.debounce_s * 1000 if entering else 0,
        )
        if seen is Seen.NEW:
            if not self._mailbox.offer(_Presentation(scan, digest, now_ms)):
                self._refused[OVERFLOW] += 1
                return  # nothing else is left of it, so that its next read asks again
            self._undecided.add(digest)
        elif digest not in self._undecided:
            reason = presentation.outcome(memory, digest)
            if reason is not None:
                self._feedback.keep(self._signal(reason))
        self._memory = memory

    async def run(self) -> None:
        """Decide what is presented, for ever."""
        while True:
            new = await self._mailbox.take()
            try:
                reason = await self._take(new)
            except Exception:  # whatever is wrong with us must read as no, and stop nobody else
                log.exception("scan_failed", device=self.name)
                self._ports.recorder.lose()
                reason = Reason.INTERNAL_ERROR
                self._show(reason)
            self._undecided.discard(new.digest)
            self._memory = presentation.note(self._memory, new.digest, reason)

    def sum_up(self) -> None:
        """Record how many unusable codes were seen since the last call, if any."""
        now = self._ports.stamp()
        if self._refused:
            counts, self._refused = dict(self._refused), Counter()
            self._ports.recorder.append(events.refused(now, self.name, counts, self._refused_since))
        self._refused_since = now.at

    def _terms(self) -> tuple[Rules | None, Device | None]:
        """Give the rules, and what they say of this reader."""
        rules = self._ports.rules.rules
        return rules, None if rules is None else rules.devices.get(self.name)

    async def _take(self, new: _Presentation) -> Reason:
        rules, device = self._terms()
        if rules is None:
            return self._refuse(new, Refused(Reason.NO_RULES))
        if device is None:
            return self._refuse(new, Refused(Reason.DEVICE_DISABLED))
        text = new.scan.text
        code = read.read(text, accepted=device.codes, tenant=rules.tenant, keys=rules.keys)
        leaving = device.side is Side.OUT
        if isinstance(code, Refused) and not (leaving and rules.settings.exit_unlock_unknown):
            return self._refuse(new, code)
        gate = self._gate
        arrival = Arrival(
            self._ports.new_id(),
            rules,
            device,
            code,
            new.at_ms,
            lockdown=gate is not None and gate.lockdown,
            interlocked=gate is not None and gate.interlocked,
        )
        self._tell("read", arrival, code_kind=arrival.code_kind)
        return await (self._leave(arrival) if leaving else self._enter(arrival))

    def _refuse(self, new: _Presentation, refused: Refused) -> Reason:
        """Turn an unusable code away: counted exactly, summed up later."""
        reason, kind = refused.reason, None if refused.kind is None else refused.kind.value
        self._refused[reason.value] += 1
        self._show(reason)
        self._ports.witness.publish(
            {
                "event": "refused",
                "device": self.name,
                "code_kind": kind,
                "code_hash": new.digest.hex()[:16],
                "reason": reason.value,
            }
        )
        log.info("code_refused", device=self.name, code_kind=kind, reason=reason.value)
        return reason

    async def _enter(self, arrival: Arrival) -> Reason:
        """Record first, then release."""
        member = asked = None
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                member = await self._find(arrival)
                asked = scene.request(arrival, member, self._read_clock(arrival))
                write = self._entry_write(arrival, asked)
                decision, seq, asked = await self._ports.journal.commit(write)
        except (StoreFailed, TimeoutError) as failed:
            log.error("entry_not_recorded", device=self.name, problem=repr(failed))
            arrival = self._let_go(arrival, late=isinstance(failed, TimeoutError))
            decision, seq = self._unrecorded(arrival, asked), None
        reason = decision.reason
        if decision.verdict is Verdict.ALLOW:
            reason = self._release(arrival, member) or reason
            await asyncio.sleep(0)  # the door goes first, and what is said about it after
        self._show(reason)
        self._report(arrival, member, decision, seq)
        if seq is not None and asked is not None:
            await self._look_ahead(arrival, asked, decision)
        return reason

    async def _look_ahead(
        self, arrival: Arrival, asked: access.Request, decision: Decision
    ) -> None:
        """Tell when next, or what is left, after the answer (edged/outlook.py)."""
        ahead = await outlook.look_ahead(asked, decision, self._ports.languages)
        if ahead is None:
            return
        if ahead.lines and decision.verdict is Verdict.DENY:
            shown = self._signal(decision.reason)
            self._feedback.show(replace(shown, lines=(*shown.lines, *ahead.lines)))
        self._tell("ahead", arrival, ahead=ahead.plain, lines=ahead.lines, staff=ahead.staff)

    def _entry_write(
        self, arrival: Arrival, asked: access.Request
    ) -> Callable[[Ledger], tuple[Decision, int, access.Request]]:
        """Make the one transaction of an entry: count, decide, record."""
        stamp, member = self._ports.stamp(), asked.member

        def write(ledger: Ledger) -> tuple[Decision, int, access.Request]:
            known = scene.with_journal(asked, arrival, ledger)
            served = self._decide(arrival, known)
            decision = served.decision
            seq = self._append(ledger, arrival, stamp, known, decision)
            for key in decision.keys:
                ledger.add_key(key, arrival.event_id)
            if member is not None:
                desk.note(ledger, stamp, arrival, member.id, served)
                if decision.visit is not None:
                    ledger.set_visit(member.id, decision.visit, arrival.event_id)
                if decision.checks_in is not None:
                    ledger.check_in(member.id, decision.checks_in, arrival.event_id)
            if decision.verdict is Verdict.ALLOW:
                scene.spend(arrival, ledger)
            return decision, seq, known

        return write

    def _decide(self, arrival: Arrival, asked: access.Request) -> counter.Served:
        try:
            if arrival.at_counter:
                return counter.serve(asked)
            return counter.Served(access.decide_entry(asked))
        except Exception:  # a fault in the rules' code must read as no (threats B5)
            log.exception("decision_failed", device=self.name, event_id=arrival.event_id)
            return counter.Served(access.deny(Reason.INTERNAL_ERROR))

    def _let_go(self, arrival: Arrival, *, late: bool) -> Arrival:
        """Give up recording it in time; `late`: it may still reach the disk, and this behind it.

        Whatever is decided now is another event.
        """
        if not late:
            return arrival
        if self._gate is None:
            self._ports.recorder.record(lambda ledger: ledger.withdraw(arrival.event_id))
        else:
            self._gate.void(arrival.event_id, DoorOutcome.DOOR_NOT_OPENED)
        return replace(arrival, event_id=self._ports.new_id(), late=True)

    def _unrecorded(self, arrival: Arrival, asked: access.Request | None) -> Decision:
        """Decide without a disk; who is let in is kept in memory, as part of the gap."""
        if asked is None or arrival.at_counter:
            decision = access.deny(Reason.RECORD_FAILED)
        else:
            decision = access.decide_unrecorded(asked)
        if decision.verdict is Verdict.DENY or asked is None:
            if not arrival.late:
                self._ports.recorder.lose()
            return decision
        self._ports.alarms.change("journal", AlarmName.STORE_FAILED, raised=True)
        stamp = self._ports.stamp()

        def write(ledger: Ledger) -> None:
            self._append(ledger, arrival, stamp, asked, decision, gap=True)
            scene.spend(arrival, ledger)

        self._ports.recorder.record(write)
        return decision

    async def _leave(self, arrival: Arrival) -> Reason:
        """Release first, then record (spec/rules.md 3.4, 1)."""
        reason = self._release(arrival) or Reason.OK
        self._show(reason)
        member = None
        try:
            async with asyncio.timeout(limits.LOOKUP_S):
                member = await self._find(arrival)
        except (StoreFailed, TimeoutError) as failed:
            log.error("member_not_read", device=self.name, problem=repr(failed))
        if member is not None and member.extended_time:
            self._extend(arrival)
        asked = scene.request(arrival, member, self._read_clock(arrival))
        stamp = self._ports.stamp()

        def write(ledger: Ledger) -> tuple[Decision, int]:
            known = scene.with_journal(asked, arrival, ledger)
            decision = access.decide_exit(known)
            if member is not None:
                ledger.close_visit(member.id, arrival.device.store)
            seq = self._append(ledger, arrival, stamp, known, decision)
            desk.check_out(ledger, stamp, arrival, known)
            return decision, seq

        def then(written: tuple[Decision, int]) -> None:
            self._report(arrival, member, *written)

        self._ports.recorder.record(write, then)
        return reason

    def _release(self, arrival: Arrival, member: Member | None = None) -> Reason | None:
        """Ask the door, if there is one to move, to let somebody through; or say why not."""
        if self._gate is None or arrival.device.mode is Mode.RECORD_ONLY:
            return None
        entry = arrival.device.side is Side.IN
        if entry and self._gate.lockdown and not arrival.lockdown:  # it began meanwhile
            self._gate.void(arrival.event_id, DoorOutcome.DOOR_NOT_OPENED)
            return Reason.LOCKDOWN
        extended = member is not None and member.extended_time
        return self._gate.grant(arrival.event_id, entry=entry, extended=extended)

    def _extend(self, arrival: Arrival) -> None:
        """Give somebody more time who has been let out already."""
        if self._gate is not None and arrival.device.mode is not Mode.RECORD_ONLY:
            self._gate.extend()

    async def _find(self, arrival: Arrival) -> Member | None:
        handle = arrival.handle
        if handle is None or arrival.role is KeyRole.STAFF:
            return None
        return await self._ports.rules.member(handle)

    def _read_clock(self, arrival: Arrival) -> Instant:
        """Read the clock, which the code may know better (spec/rules.md 3.2 E0)."""
        now = self._ports.clock.now()
        if isinstance(arrival.code, claims.Shown) and not now.trusted:
            # A clock that a source confirms is right against a code from the future.
            self._ports.clock.observe(arrival.code.issued_at)
            now = self._ports.clock.now()
        return now

    def _append(
        self,
        ledger: Ledger,
        arrival: Arrival,
        stamp: events.Stamp,
        asked: access.Request,
        decision: Decision,
        *,
        gap: bool = False,
    ) -> int:
        handle = None if arrival.handle is None else arrival.handle.hex()
        who = handle if asked.who is None else asked.who.id
        member, person = (None, who) if asked.role is KeyRole.STAFF else (who, None)
        presented = events.Presented(arrival.event_id, arrival.code_kind, member, person, gap=gap)
        body = events.passage(stamp, arrival.rules, arrival.device, presented, decision)
        return ledger.append(body)

    def _show(self, reason: Reason) -> None:
        self._feedback.show(self._signal(reason))

    def _signal(self, reason: Reason) -> Signal:
        return translate.signal(reason, self._ports.languages)

    def _report(
        self, arrival: Arrival, member: Member | None, decision: Decision, seq: int | None
    ) -> None:
        took_ms = self._ports.clock.monotonic_ms() - arrival.began_ms
        facts: dict[str, object] = {
            "event_id": arrival.event_id,
            "member": None if member is None else member.id,
            "decision": decision.verdict.value,
            "reason": decision.reason.value,
            "via": decision.via,
            "band": decision.band,
            "counted": len(decision.new_keys),
            "warnings": [warning.value for warning in decision.warnings],
        }
        log.info("scan_done", device=self.name, seq=seq, took_ms=took_ms, **facts)
        self._tell("decided", arrival, seq=seq, **facts)

    def _tell(self, what: str, arrival: Arrival, **facts: object) -> None:
        self._ports.witness.publish(
            {
                "event": what,
                "device": self.name,
                "door": None if self._gate is None else self._gate.name,
                "side": arrival.device.side.value,
                **facts,
            }
        )
