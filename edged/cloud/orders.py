"""Commands of the cloud, given to the same desks as those of the control socket.

The link has verified who sent them and when. Here each has one effect, however often it comes,
and an answer that is kept: what lets somebody in is kept by its desk before anything moves, and
the answer after.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import structlog

from cloud_link.ports import Answer
from cloud_link.shapes import canonical
from cloud_link.wire import Command
from edged import limits
from edged.cloud.answered import Answered
from edged.cloud.outbox import JournalOutbox
from edged.control.client import ControlRefused
from edged.core import events
from edged.errors import NotFound
from edged.exits import explain
from edged.ports import Ports
from edged.store import audit
from edged.store.errors import StoreFailed
from edged.store.ledger import Ledger
from edged.store.record import Json

log = structlog.get_logger()

ARGUMENTS: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "door_open": (frozenset({"door"}),),
    "locker_open": (frozenset({"locker", "occupancy"}),),
    "locker_end": (frozenset({"locker", "occupancy"}),),
    "lockdown": (frozenset({"on"}),),
    "passback_clear": (frozenset({"member"}), frozenset({"store"})),
    "fire_reset": (frozenset(),),
    "reload": (frozenset(),),
    "diagnostics": (frozenset(),),
}
"""What each verb of the contract takes: one of these sets of arguments, whole."""

_AT_DOORS: Final[Mapping[str, str]] = {
    "door_open": "open",
    "lockdown": "lockdown",
    "passback_clear": "passback_clear",
    "fire_reset": "fire_reset",
}
_AT_LOCKERS: Final[Mapping[str, Mapping[str, object]]] = {
    "locker_open": {"do": "staff_open"},
    "locker_end": {"do": "force_end", "from_afar": True},
}
_RELEASES: Final = frozenset({"door_open", "locker_open", "locker_end", "fire_reset"})


class Desk(Protocol):
    """Takes the orders of the control socket."""

    async def order(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """Carry out an order and give what came of it."""
        ...


class Orders:
    """Takes commands from the link.

    Args:
        ports: The daemon's.
        outbox: The journal, for reading beside its writer.
        doors: The desk of the doors.
        lockers: The desk of the lockers.
        status: Says how everything is, in plain JSON values.
    """

    def __init__(
        self,
        ports: Ports,
        outbox: JournalOutbox,
        doors: Desk,
        lockers: Desk,
        status: Callable[[], Mapping[str, object]],
    ) -> None:
        self._ports = ports
        self._outbox = outbox
        self._answered = Answered(outbox)
        self._doors = doors
        self._lockers = lockers
        self._status = status
        self._under_way: dict[str, tuple[Command, asyncio.Future[Answer]]] = {}

    async def command(
        self, command: Command, expired: str | None, until_ms: int | None = None
    ) -> Answer:
        """Carry out a command or refuse it; a copy gets the first one's answer.

        `until_ms`: see `cloud_link.ports.Inbox.command`.
        """
        if command.id in self._under_way:
            first, answer = self._under_way[command.id]
            same = _digest(first) == _digest(command)
            return await asyncio.shield(answer) if same else await self._other(command)
        mine = asyncio.get_running_loop().create_future()
        self._under_way[command.id] = command, mine
        try:
            found = await self._once(command, expired, until_ms)
            mine.set_result(found)
            return found
        finally:
            mine.cancel()
            del self._under_way[command.id]

    async def _once(self, command: Command, expired: str | None, until_ms: int | None) -> Answer:
        if await self._answered.may_hold(command.id):
            kept = await self._outbox.read(lambda db: Ledger(db).answer_of(command.id))
            if kept is not None:
                first, answer = kept
                same = first == _digest(command)
                return _answer(answer) if same else await self._other(command)
        if expired is not None or (command.verb not in _RELEASES and await self._is_past(command)):
            if await self._outbox.read(lambda db: Ledger(db).known(f"command/{command.id}")):
                return Answer("DUPLICATE")  # only its answer was lost: it was not too late then
            return await self._refuse(command, Answer(expired or "EXPIRED"))
        if command.verb not in ARGUMENTS:
            return await self._refuse(command, Answer("UNKNOWN_VERB"))
        if frozenset(command.args) not in ARGUMENTS[command.verb]:
            known = " or ".join(", ".join(sorted(one)) for one in ARGUMENTS[command.verb])
            why = {"why": f"args: {command.verb} takes {known or 'none'}"}
            return await self._refuse(command, Answer("REFUSED", why))
        return await self._do(command, until_ms)

    async def _is_past(self, command: Command) -> bool:
        """Whether what may come late was taken in another life, or is overtaken by a later one."""
        fresh, since, lockdown_at = await self._outbox.read(
            lambda db: tuple(
                Ledger(db).get(name) for name in ("fresh", "commands_since", "cloud_lockdown_at")
            )
        )
        issued = events.stamp_text(command.issued_at)
        # Behind a new journal, or one that was rolled back, may lie a life that took it already.
        if fresh is True or (isinstance(since, str) and issued < since):
            return True
        return command.verb == "lockdown" and isinstance(lockdown_at, str) and issued <= lockdown_at

    async def _do(self, command: Command, until_ms: int | None) -> Answer:
        try:
            found = await self._at_desk(command, until_ms)
        except NotFound as missing:
            return await self._refuse(command, Answer("NOT_FOUND", {"why": str(missing)}))
        except ControlRefused as refused:
            answer = Answer("REFUSED", {"why": "; ".join(refused.errors)})
            return await self._refuse(command, answer)
        except StoreFailed as failed:
            log.error("cloud_command_not_recorded", command=command.id, problem=str(failed))
            return Answer("REFUSED", {"why": "; ".join(explain(failed)[1])})
        if found is None:
            return await self._refuse(command, await self._own(command))
        more = {name: said for name, said in found.items() if name not in {"command", "result"}}
        answer = Answer(str(found["result"]), more)
        await self._keep(command, answer, None)
        return answer

    async def _at_desk(self, command: Command, until_ms: int | None) -> Mapping[str, object] | None:
        """Give the command to its desk; None: it is about the device itself."""
        order: dict[str, object] = {"command": command.id, "until_ms": until_ms, **command.args}
        if (do := _AT_DOORS.get(command.verb)) is not None:
            return await self._doors.order({"order": {"do": do, "by": command.by, **order}})
        if (what := _AT_LOCKERS.get(command.verb)) is not None:
            return await self._lockers.order({"order": {**what, "staff": command.by, **order}})
        return None

    async def _own(self, command: Command) -> Answer:
        """Answer what no desk is asked; a reload is the link's to do."""
        if command.verb == "reload":
            return Answer("OK")
        newest = await asyncio.to_thread(
            audit.read_newest, self._outbox.path, limits.DIAGNOSTIC_RECORDS
        )
        records = [record.data.decode() for record in newest]
        return Answer("OK", {"status": self._status(), "records": records})

    async def _other(self, command: Command) -> Answer:
        """Refuse another content under an id that was taken; it is recorded once."""
        body = self._body(command, "DUPLICATE")

        def write(ledger: Ledger) -> None:
            if ledger.first_time(f"duplicate/{command.id}"):
                ledger.append(body)

        self._ports.recorder.record(write)
        return Answer("DUPLICATE")

    async def _refuse(self, command: Command, answer: Answer) -> Answer:
        """Record what no desk records, with its answer."""
        await self._keep(command, answer, self._body(command, answer.result))
        return answer

    async def _keep(self, command: Command, answer: Answer, body: events.Body | None) -> None:
        """Keep an answer for copies; what is large is told once."""
        large = command.verb == "diagnostics" and answer.result == "OK"
        more: Mapping[str, Any] = {"left_out": "told once"} if large else answer.more
        digest = _digest(command)

        def write(ledger: Ledger) -> None:
            ledger.keep_answer(command.id, digest, {"result": answer.result, "more": more})
            if body is not None:
                ledger.append(body)
            if command.verb == "lockdown" and body is None:
                ledger.put("cloud_lockdown_at", events.stamp_text(command.issued_at))

        self._answered.add(command.id)
        try:
            await _in_time(self._ports.journal.commit(write))
        except (StoreFailed, TimeoutError) as failed:  # it was carried out, and that is recorded
            log.error("cloud_answer_not_kept", command=command.id, problem=repr(failed))

    def _body(self, command: Command, result: str) -> events.Body:
        asked = events.DoorCommand(command.id, command.verb, command.by)
        return events.command(self._ports.stamp(), asked, result)


def _digest(command: Command) -> bytes:
    """Tell a command's content from another one's under its id."""
    return hashlib.sha256(canonical(command)).digest()


async def _in_time(commit: Awaitable[None]) -> None:
    async with asyncio.timeout(limits.COMMIT_S):
        await commit


def _answer(kept: Json) -> Answer:
    match kept:
        case {"result": str(result), "more": dict(more)}:
            return Answer(result, more)
        case _:
            return Answer("REFUSED", {"why": "the answer that was kept can't be read"})
