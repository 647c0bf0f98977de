"""The pages that only show. Each is whole on the server; `live` says which part to fetch anew."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from edged.commission.drawing import drawings
from edged.console import limits
from edged.console.context import Console
from edged.console.sessions import Session
from edged.console.words import EVENTS
from edged.control.broadcast import Event, Watcher
from edged.control.client import ControlRefused, DaemonUnreachable
from edged.control.wire import Verb
from edged.settings.model import Language
from edged.staff_words import REASONS, word
from policy.model import Reason

Row = Mapping[str, object]

_SEEN_IN: Final = {
    "alarm": "overview",
    "door": "overview",
    "released": "overview",
    "secured": "overview",
    "daemon": "overview",
    "locker": "lockers",
    "locker_command": "lockers",
}
"""Which part of a page an event changes; every one is in the list of events."""


async def overview(console: Console, request: Request, _: Session) -> Response:
    """Show how everything is."""
    status = await _status(console)
    given = {"status": status, **_came_of(request)}
    if _part(request):
        return console.page(request, "parts/overview.html", given)
    ready = await _ready(console)
    return console.page(request, "overview.html", {**given, "ready": ready})


async def events(console: Console, request: Request, _: Session) -> Response:
    """Show what happens."""
    language = console.language(request)
    ours = console.settings.language
    line = ours.index(language) if language in ours else 0
    rows = [_event_row(event, language, line) for event in console.daemon.events]
    template = "parts/events.html" if _part(request) else "events.html"
    return console.page(request, template, {"rows": rows})


async def why(console: Console, request: Request, _: Session) -> Response:
    """Show whether a member would get in now, with every check; and who was refused lately."""
    member = request.query_params.get("member", "").strip()
    place = request.query_params.get("place", "").strip()
    answers: object = []
    problem = ""
    if member:
        try:
            asked = await console.daemon.ask(Verb.WHY, member=member, place=place)
            answers = asked["answers"]
        except ControlRefused as refused:
            problem = "; ".join(refused.errors)
    records = await console.daemon.ask(Verb.RECORDS, before=0)
    language = console.language(request)
    refusals = [
        _refusal_row(record, language)
        for record in _listed(records["records"])
        if record.get("decision") == "DENY"
    ]
    given = {
        "member": member,
        "place": place,
        "answers": [_answer_row(one, language) for one in _listed(answers)],
        "problem": problem,
        "refusals": refusals,
    }
    return console.page(request, "why.html", given)


async def bookings(console: Console, request: Request, _: Session) -> Response:
    """Show today's bookings."""
    found = await console.daemon.ask(Verb.BOOKINGS)
    return console.page(request, "bookings.html", {"rows": found["bookings"], "all": found["all"]})


async def lockers(console: Console, request: Request, _: Session) -> Response:
    """Show every locker and, to those who may, what can be done with it."""
    rows: list[Row] = []
    after, more = "", True
    while more:
        page = await console.daemon.ask(Verb.LOCKERS, after=after)
        found, more = _listed(page["lockers"]), bool(page["more"])
        rows += found
        after = str(found[-1]["locker"]) if found else after
    template = "parts/lockers.html" if _part(request) else "lockers.html"
    return console.page(request, template, {"rows": rows, **_came_of(request)})


async def wiring(console: Console, request: Request, session: Session) -> Response:
    """Show what the settings wire to what, how it is, and test buttons while testing."""
    given = {
        "doors": console.settings.doors,
        "banks": console.settings.lockers,
        "counters": console.settings.counters,
        "drawings": drawings(console.settings),
        "status": await _status(console),
        "testing": time.monotonic() < session.testing_until_s,
        **_came_of(request),
    }
    return console.page(request, "wiring.html", given)


async def drawing(console: Console, request: Request, _: Session) -> Response:
    """Give a drawing of `edged wiring`."""
    svg = drawings(console.settings).get(request.path_params["name"])
    if svg is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(svg, media_type="image/svg+xml")


async def live(console: Console, _request: Request, _: Session) -> Response:
    """Tell a page which of its parts to fetch anew, as things happen."""
    watching = console.daemon.watcher()
    watcher = watching.__enter__()  # here, so that a refusal is an answer and no broken stream

    async def told() -> AsyncIterator[str]:
        try:
            renewed_s = time.monotonic()
            async for events in steadily(watcher, lambda: limits.STREAM_QUIET_S):
                parts = {_SEEN_IN.get(str(event.get("event")), "events") for event in events}
                if events:
                    parts.add("events")
                if time.monotonic() - renewed_s >= limits.STREAM_QUIET_S:
                    parts.add("overview")  # no event tells of a lost link, or of the time
                    renewed_s = time.monotonic()
                yield f"data: {json.dumps(sorted(parts))}\n\n" if parts else ":\n\n"
        finally:
            watching.__exit__(None, None, None)

    return StreamingResponse(told(), media_type="text/event-stream")


async def metrics(console: Console, _request: Request, _: Session) -> Response:
    """Give the figures for a collector, in Prometheus' text format."""
    text = console.metrics.text(await _status(console), await _ready(console))
    return PlainTextResponse(text, media_type=CONTENT_TYPE_LATEST)


async def steadily(watcher: Watcher, left_s: Callable[[], float]) -> AsyncIterator[Sequence[Event]]:
    """Yield what happens, and nothing after `left_s()` in which nothing does."""
    while True:
        events: Sequence[Event] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(left_s()):
                _, events = await watcher.take()
        yield events


async def _status(console: Console) -> Row | None:
    """Ask how everything is; None: the daemon does not answer."""
    try:
        return await console.daemon.ask(Verb.STATUS)
    except DaemonUnreachable:
        return None


async def _ready(console: Console) -> Row | None:
    try:
        return await console.daemon.ask(Verb.READINESS)
    except (DaemonUnreachable, ControlRefused):
        return None


def _part(request: Request) -> bool:
    return "x-part" in request.headers


def _came_of(request: Request) -> Row:
    """Return what came of the order that led to this page, one word of the machine each."""
    said = request.query_params
    return {
        "done": said.get("done", "")[: limits.RESULT_CHARS],
        "refused": said.get("refused", "")[: limits.RESULT_CHARS],
    }


def _listed(found: object) -> list[Row]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _reason(said: object, language: Language) -> str:
    try:
        return word(REASONS[Reason(str(said))], language)
    except (ValueError, KeyError):
        return ""


_SAID: Final = frozenset(
    ("event", "kind", "at", "heard", "device", "door", "reason", "decision", "occurred_at")
) | {"event_id", "staff"}
"""What a row says in another way, or to nobody who reads it."""


def _event_row(event: Event, language: Language, line: int) -> Row:
    """Say what happened; `line`: which of the lines for a member is in the page's language."""
    lines = event.get("lines")
    told = lines[line] if isinstance(lines, list | tuple) and line < len(lines) else ""
    facts = {
        name: value
        for name, value in event.items()
        if name not in _SAID and isinstance(value, str | int | float) and value != ""
    }
    what = str(event.get("event"))
    return {
        "heard": event.get("heard", ""),
        "what": word(EVENTS[what], language) if what in EVENTS else what,
        "where": event.get("device") or event.get("door") or event.get("source") or "",
        "decision": event.get("decision") or "",
        "reason": event.get("reason") or "",
        "words": told or _reason(event.get("reason"), language),
        "facts": facts,
    }


def _refusal_row(record: Row, language: Language) -> Row:
    at = str(record.get("local_time", ""))
    return {
        "at": at[:16].replace("T", " "),
        "member": record.get("member") or record.get("staff") or "",
        "device": record.get("device"),
        "reason": record.get("reason"),
        "words": _reason(record.get("reason"), language),
    }


def _answer_row(answer: Row, language: Language) -> Row:
    at = datetime.fromisoformat(str(answer["at"]))
    return {**answer, "at": f"{at:%Y-%m-%d %H:%M}", "words": _reason(answer["reason"], language)}
