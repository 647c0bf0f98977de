"""One loop a reader: from a text that was read to a door that is asked to let somebody through.

Coming in: the record is on disk before the door hears of it. Going out: the door hears of it
first (ARCHITECTURE, invariant 2). Each reader has a loop of its own, so that an entry that waits
for the disk keeps nobody from leaving.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from drivers.api import Scan, Signal
from edged import limits, translate
from edged.clock import Instant
from edged.core import access, counter, presentation
from edged.core.alarm_words import AlarmName
from edged.core.door_words import DoorOutcome
from edged.credentials import claims
from edged.credentials.read import Refused
from edged.doors.gate import Gate
from edged.mailbox import Mailbox
from edged.ports import Ports
from edged.readers import beside, outlook, scene
from edged.readers.feedback import Feedback
from edged.readers.reading import Reading
from edged.readers.refusals import Refusals
from edged.readers.scene import Arrival
from edged.records import uses
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from policy.model import (
    Decision,
    Device,
    Member,
    Mode,
    Reason,
    Rules,
    RuleSettings,
    Side,
    Verdict,
)

log = structlog.get_logger()


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
        self._refusals = Refusals(name, ports)
        self._reading = Reading(name, ports, None if gate is None else gate.card)
        self._delayed: Mailbox[_Presentation] = Mailbox(1)
        self._one_waits = False

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
        if seen is presentation.Seen.NEW:
            if not self._mailbox.offer(_Presentation(scan, digest, now_ms)):
                self._refusals.overflow()
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
            if not self._must_wait(new):
                await self._answer(new)
            elif self._one_waits:  # and no second behind it, whose turn might come too late
                self._note(new, self._refuse(new, Refused(Reason.MEMBER_UNKNOWN)))
            else:
                self._one_waits = self._delayed.offer(new)

    async def run_delayed(self) -> None:
        """Look at a plain code when enough time has passed since wrong ones, for ever."""
        while True:
            new = await self._delayed.take()
            await self._ports.clock.sleep_ms(self._reading.wait_ms)
            await self._answer(replace(new, at_ms=self._ports.clock.monotonic_ms()))
            self._one_waits = False

    def _must_wait(self, new: _Presentation) -> bool:
        """Tell whether it is one more guess, too soon after wrong ones."""
        rules, device = self._terms()
        if rules is None or device is None:
            return False
        return self._reading.is_early(new.scan.text, rules, device)

    async def _answer(self, new: _Presentation) -> None:
        try:
            reason = await self._take(new)
        except Exception:  # whatever is wrong with us must read as no, and stop nobody else
            log.exception("scan_failed", device=self.name)
            self._ports.recorder.lose()
            reason = Reason.INTERNAL_ERROR
            self._show(reason)
        self._note(new, reason)

    def _note(self, new: _Presentation, reason: Reason) -> None:
        self._undecided.discard(new.digest)
        self._memory = presentation.note(self._memory, new.digest, reason)

    def sum_up(self) -> None:
        """Record how many unusable codes were seen since the last call, if any."""
        self._refusals.sum_up()
        self._reading.sum_up()

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
        leaving = device.side is Side.OUT
        now_ms = self._ports.clock.monotonic_ms()
        unread_ms = now_ms - presentation.read_ms(self._memory, new.digest, new.at_ms)
        if unread_ms > limits.COMMIT_S * 1000 and not leaving:  # who showed it has left
            return self._refuse(new, Refused(Reason.RECORD_FAILED))
        code = await self._reading.read(new.scan.text, new.digest, rules, device)
        if isinstance(code, Refused):
            # What a failed disk keeps us from telling keeps nobody in.
            unread = code.reason is Reason.RECORD_FAILED
            if not (leaving and (unread or rules.settings.exit_unlock_unknown)):
                return self._refuse(new, code)
        arrival = self._arrive(new, rules, device, code)
        self._tell("read", arrival, code_kind=arrival.code_kind)
        return await (self._leave(arrival) if leaving else self._enter(arrival))

    def _arrive(
        self, new: _Presentation, rules: Rules, device: Device, code: claims.Claims | Refused
    ) -> Arrival:
        """Put together what a code is judged by."""
        gate, use = self._gate, uses.use_of(code, device, rules.settings)
        return Arrival(
            self._ports.new_id(),
            rules,
            device,
            code,
            self._read_clock(code),
            new.at_ms,
            lockdown=gate is not None and gate.lockdown,
            interlocked=gate is not None and gate.interlocked,
            vouched_at=self._ports.rules.vouched_at,
            spent=use is not None and self._ports.uses.knows(use),
        )

    def _refuse(self, new: _Presentation, refused: Refused) -> Reason:
        """Turn an unusable code away."""
        self._show(refused.reason)
        self._refusals.add(refused, new.digest)
        return refused.reason

    async def _enter(self, arrival: Arrival) -> Reason:
        """Record first, then release."""
        asked: access.Request | None
        seq: int | None
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                decision, seq, asked = await self._ports.journal.commit(self._entry_write(arrival))
        except (StoreFailed, TimeoutError) as failed:
            log.error("entry_not_recorded", device=self.name, problem=repr(failed))
            arrival = self._let_go(arrival, failed)
            asked = await self._ask(arrival)
            decision, seq = self._unrecorded(arrival, asked), None
        member = None if asked is None else asked.member
        reason = decision.reason
        if decision.verdict is Verdict.ALLOW:
            if arrival.use is not None:
                self._ports.uses.add(arrival.use, arrival.event_id)
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
        """Tell when next, or what is left, after the answer (edged/readers/outlook.py)."""
        ahead = await outlook.look_ahead(asked, decision, self._ports)
        if ahead is None:
            return
        if ahead.lines and decision.verdict is Verdict.DENY:
            shown = self._signal(decision.reason)
            self._feedback.show(replace(shown, lines=(*shown.lines, *ahead.lines)))
        self._tell("ahead", arrival, ahead=ahead.plain, lines=ahead.lines, staff=ahead.staff)

    def _entry_write(
        self, arrival: Arrival
    ) -> Callable[[Ledger], tuple[Decision, int, access.Request]]:
        """Make the one transaction of an entry: look the member up, count, decide, record.

        All in the writer's thread: each way to a thread and back costs more than what is done.
        """
        stamp, handle = arrival.stamp, arrival.member_handle

        def write(ledger: Ledger) -> tuple[Decision, int, access.Request]:
            member = None if handle is None else self._ports.rules.member_here(handle)
            known = scene.known(arrival, member, ledger)
            served = self._decide(arrival, known)
            decision = served.decision
            seq = scene.record(ledger, stamp, arrival, known, decision)
            for key in decision.keys:
                ledger.add_key(key, arrival.event_id)
            if member is not None:
                beside.note(ledger, stamp, arrival, member.id, served)
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

    def _let_go(self, arrival: Arrival, failed: StoreFailed | TimeoutError) -> Arrival:
        """Give up recording it in time; if it may still reach the disk, so does this, behind it.

        Whatever is decided now is another event then.
        """
        if isinstance(failed, StoreFailed) and not failed.doubtful:
            return arrival
        if self._gate is None:
            beside.take_back(self._ports, arrival.event_id)
        else:
            self._gate.void(arrival.event_id, DoorOutcome.DOOR_NOT_OPENED)
        return replace(arrival, event_id=self._ports.new_id(), late=True)

    def _unrecorded(self, arrival: Arrival, asked: access.Request | None) -> Decision:
        """Decide without a disk; who is let in is kept in memory, as part of the gap."""
        use = arrival.use
        if asked is not None and use is not None and self._ports.uses.knows(use):
            asked = scene.used_up(asked)
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
            scene.record(ledger, stamp, arrival, asked, decision, gap=True)
            scene.spend(arrival, ledger)

        self._ports.recorder.record(write)
        return decision

    async def _leave(self, arrival: Arrival) -> Reason:
        """Release first, then record (spec/rules.md 3.4, 1)."""
        reason = self._release(arrival) or Reason.OK
        self._show(reason)
        asked = await self._ask(arrival)
        stamp, member = self._ports.stamp(), None if asked is None else asked.member
        if member is not None and member.extended_time:
            self._extend(arrival)

        def write(ledger: Ledger) -> tuple[Decision, int]:
            known = scene.known(arrival, member, ledger)
            decision = access.decide_exit(known)
            if member is not None:
                ledger.close_visit(member.id, arrival.device.store)
            seq = scene.record(ledger, stamp, arrival, known, decision)
            beside.check_out(ledger, stamp, arrival, known)
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

    async def _ask(self, arrival: Arrival) -> access.Request | None:
        """Ask without what the journal knows; None: who it is about can't be read."""
        try:
            async with asyncio.timeout(limits.LOOKUP_S):
                return scene.request(arrival, await self._find(arrival))
        except (StoreFailed, TimeoutError) as failed:
            log.error("member_not_read", device=self.name, problem=repr(failed))
            return None

    async def _find(self, arrival: Arrival) -> Member | None:
        handle = arrival.member_handle
        return None if handle is None else await self._ports.rules.member(handle)

    def _read_clock(self, code: claims.Claims | Refused) -> Instant:
        """Read the clock, which the code may know better (spec/rules.md 3.2 E0)."""
        now = self._ports.clock.now()
        if isinstance(code, claims.Issued) and not now.trusted:
            # A clock that a source confirms is right against a code from the future.
            self._ports.clock.observe(code.issued_at)
            now = self._ports.clock.now()
        return now

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
        self._tell("decided", arrival, seq=seq, took_ms=took_ms, **facts)

    def _tell(self, what: str, arrival: Arrival, **facts: object) -> None:
        door, side = None if self._gate is None else self._gate.name, arrival.device.side.value
        told = {"event": what, "device": self.name, "door": door, "side": side}
        self._ports.witness.publish({**told, **facts})
