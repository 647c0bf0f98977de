"""One loop a reader: from a text that was read to a door that is asked to let somebody through.

Coming in: the record is on disk before the door hears of it. Going out: the door hears of it
first (ARCHITECTURE, invariant 2). Each reader has a loop of its own, so that an entry that waits
for the disk keeps nobody from leaving.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from drivers.api import Scan
from edged import limits, messages, translate
from edged.core import access, events, presentation
from edged.core.door import DoorOutcome
from edged.core.presentation import Seen
from edged.credentials import claims, read
from edged.credentials.read import Refused
from edged.feedback import Feedback
from edged.gate import Gate
from edged.mailbox import Mailbox
from edged.ports import Ports
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from policy import usage
from policy.model import (
    Decision,
    Device,
    Member,
    Reason,
    Rules,
    RuleSettings,
    Side,
    UsageKey,
    Verdict,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Presentation:
    """A text that has just come before the reader."""

    scan: Scan
    digest: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Case:
    """One presented code on its way to a decision."""

    event_id: str
    rules: Rules
    device: Device
    code: claims.Claims
    began_ms: int


class Passage:
    """A reader at a door: its mailbox, what it remembers of texts, its light."""

    def __init__(self, name: str, gate: Gate, feedback: Feedback, ports: Ports) -> None:
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
                return  # it leaves no trace, so that its next read asks again
            self._undecided.add(digest)
        elif digest not in self._undecided:
            reason = presentation.outcome(memory, digest)
            if reason is not None:
                self._show(reason)
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
        if isinstance(code, Refused):
            return self._refuse(new, code)
        case = _Case(self._ports.new_id(), rules, device, code, new.at_ms)
        self._tell("read", case, code_kind=code.kind.value)
        match device.side:
            case Side.IN:
                return await self._enter(case)
            case Side.OUT:
                return await self._leave(case)

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

    async def _enter(self, case: _Case) -> Reason:
        """Record first, then release."""
        member = None
        try:
            async with asyncio.timeout(limits.COMMIT_S):
                member = await self._ports.rules.member(case.code.handle)
                write = self._entry_write(case, self._request(case, member))
                decision, seq = await self._ports.journal.commit(write)
        except (StoreFailed, TimeoutError) as failed:
            log.error("entry_not_recorded", device=self.name, problem=repr(failed))
            if isinstance(failed, StoreFailed):
                self._ports.recorder.lose()
            else:  # it may still reach the disk, and then this is behind it
                self._gate.void(case.event_id, DoorOutcome.DOOR_NOT_OPENED)
            decision, seq = access.deny(Reason.RECORD_FAILED), None
        reason = decision.reason
        if decision.verdict is Verdict.ALLOW and not self._gate.grant(case.event_id):
            reason = Reason.INTERNAL_ERROR
        self._show(reason)
        self._report(case, member, decision, seq)
        return reason

    def _entry_write(
        self, case: _Case, request: access.Request
    ) -> Callable[[Ledger], tuple[Decision, int]]:
        """Make the one transaction of an entry: count, decide, record."""
        stamp, member = self._ports.stamp(), request.member
        owners = () if member is None else [contract.id for contract in member.contracts]
        dates = usage.dates_looked_at(case.rules.stores[case.device.store], request.at)

        def write(ledger: Ledger) -> tuple[Decision, int]:
            decision = self._decide(case, request, ledger.used(owners, *dates))
            seq = self._append(ledger, case, stamp, member, decision)
            for key in decision.new_keys:
                ledger.add_key(key, case.event_id)
            if decision.visit is not None and member is not None:
                ledger.set_visit(member.id, decision.visit)
            return decision, seq

        return write

    def _decide(self, case: _Case, request: access.Request, used: frozenset[UsageKey]) -> Decision:
        try:
            return access.decide_entry(request, used)
        except Exception:  # a fault in the rules' code must read as no (threats B5)
            log.exception("decision_failed", device=self.name, event_id=case.event_id)
            return access.deny(Reason.INTERNAL_ERROR)

    async def _leave(self, case: _Case) -> Reason:
        """Release first, then record (spec/rules.md 3.4, 1)."""
        released = self._gate.grant(case.event_id)
        reason = Reason.OK if released else Reason.INTERNAL_ERROR
        self._show(reason)
        try:
            async with asyncio.timeout(limits.LOOKUP_S):
                member = await self._ports.rules.member(case.code.handle)
        except (StoreFailed, TimeoutError) as failed:
            log.error("member_not_read", device=self.name, problem=repr(failed))
            member = None
        request, stamp = self._request(case, member), self._ports.stamp()

        def write(ledger: Ledger) -> tuple[Decision, int]:
            visit = None if member is None else ledger.visit(member.id, case.device.store)
            decision = access.decide_exit(request, visit)
            if member is not None:
                ledger.close_visit(member.id, case.device.store)
            return decision, self._append(ledger, case, stamp, member, decision)

        def then(written: tuple[Decision, int]) -> None:
            self._report(case, member, *written)

        self._ports.recorder.record(write, then)
        return reason

    def _request(self, case: _Case, member: Member | None) -> access.Request:
        clock, settings = self._ports.clock, case.rules.settings
        fault: Reason | None = None
        now = clock.now()
        if isinstance(case.code, claims.MemberCode) and not now.trusted:
            # E0. A clock that a source confirms is right against a code from the future.
            clock.observe(case.code.issued_at)
            now = clock.now()
        if isinstance(case.code, claims.MemberCode):
            fault = claims.check_time(
                case.code, now.at, ttl_min=settings.code_ttl_min, skew_s=settings.code_skew_s
            )
        elif member is not None:
            fault = claims.check_version(case.code, member.fixed_code_version)
        return access.Request(case.rules, case.device, member, fault, now.at, now.trusted)

    def _append(
        self,
        ledger: Ledger,
        case: _Case,
        stamp: events.Stamp,
        member: Member | None,
        decision: Decision,
    ) -> int:
        who = case.code.handle.hex() if member is None else member.id
        presented = events.Presented(case.event_id, case.code.kind.value, who)
        return ledger.append(events.passage(stamp, case.rules, case.device, presented, decision))

    def _show(self, reason: Reason) -> None:
        self._feedback.show(translate.signal(messages.message_class(reason), self._ports.languages))

    def _report(
        self, case: _Case, member: Member | None, decision: Decision, seq: int | None
    ) -> None:
        took_ms = self._ports.clock.monotonic_ms() - case.began_ms
        facts: dict[str, object] = {
            "event_id": case.event_id,
            "member": None if member is None else member.id,
            "decision": decision.verdict.value,
            "reason": decision.reason.value,
            "via": decision.via,
            "band": decision.band,
            "counted": len(decision.new_keys),
            "warnings": [warning.value for warning in decision.warnings],
        }
        log.info("scan_done", device=self.name, seq=seq, took_ms=took_ms, **facts)
        self._tell("decided", case, seq=seq, **facts)

    def _tell(self, what: str, case: _Case, **facts: object) -> None:
        self._ports.witness.publish(
            {
                "event": what,
                "device": self.name,
                "door": self._gate.name,
                "side": case.device.side.value,
                **facts,
            }
        )
