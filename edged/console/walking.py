"""Commissioning on the pages: a walk of `edged commission`, asked here step by step.

What is asked and what it proves is the walk's (edged/commission); here it is only shown.
"""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from edged.console import forms, limits
from edged.console.context import Console
from edged.console.sessions import Session
from edged.console.walk_words import Shown, shown
from edged.control.client import ControlRefused
from edged.control.wire import Verb, line

log = structlog.get_logger()

Answer = Mapping[str, object]

_PAGE: Final = "/commission"
_FILES: Final = {"page": ("html", "text/html"), "envelope": ("json", "application/json")}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""The report brings its own style, and nothing of it runs."""


async def page(console: Console, request: Request, _: Session) -> Response:
    """Show what the walk asks for now, and how each step ended."""
    walk = await _ask(console, do="look", after=0)
    now = walk.get("now") if walk else None
    asked: Shown | None = None
    if isinstance(now, Mapping):
        asked = shown(now, console.language(request))
    not_here = request.query_params.get("refused") == "NOT_HERE"
    given = {"walk": walk, "asked": asked, "settings": console.settings, "not_here": not_here}
    if "x-part" in request.headers:
        return console.page(request, "parts/walk.html", given)
    last = None if walk else await _told(console)  # while one runs the daemon may be frozen
    return console.page(request, "walk.html", {**given, "report": last})


async def act(console: Console, request: Request, session: Session) -> Response:
    """Begin a walk, answer what it asks, or stop it."""
    fields = await forms.read(request, session)
    match fields.get("do"):
        case "begin":
            order = {"do": "begin", "by": session.user, "anew": fields.get("anew") == "yes"}
            begun = await console.daemon.ask(Verb.COMMISSION, order=order)
            log.info("console_commission", user=session.user, result=begun["result"])
            if begun["result"] == "NOT_HERE":
                return RedirectResponse(f"{_PAGE}?refused=NOT_HERE", HTTPStatus.SEE_OTHER)
            await _begun(console)
        case "answer":
            key, answer = fields.get("key", ""), fields.get("answer", "")
            await _ask(console, do="answer", key=key, answer=answer)
        case "stop":
            await _ask(console, do="stop")
        case _:
            raise HTTPException(HTTPStatus.BAD_REQUEST)
    return RedirectResponse(_PAGE, HTTPStatus.SEE_OTHER)


async def live(console: Console, _request: Request, _: Session) -> Response:
    """Tell a page when there is something new, until the walk ends."""
    if console.walkers.locked():
        raise BlockingIOError("too many pages watch the walk")

    async def told() -> AsyncIterator[str]:
        async with console.walkers:
            seen: object = 0
            while walk := await _ask(console, do="look", after=seen):
                yield f"data: {walk['n']}\n\n" if walk["n"] != seen else ":\n\n"
                seen = walk["n"]
            yield "event: over\ndata: 0\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


async def report(console: Console, request: Request, _: Session) -> Response:
    """Give the last report: to read (`page`), or signed (`envelope`)."""
    what = request.path_params["what"]
    if what not in _FILES:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    ending, kind = _FILES[what]
    headers = {"content-security-policy": _POLICY}
    if what == "envelope" or "download" in request.query_params:
        headers["content-disposition"] = f'attachment; filename="acceptance.{ending}"'
    return Response(await _read(console, what), media_type=kind, headers=headers)


async def _read(console: Console, what: str) -> str:
    text, more = "", True
    while more:
        order = {"do": "report", "what": what, "after": len(text)}
        piece = await console.daemon.ask(Verb.COMMISSION, order=order)
        text += str(piece["text"])
        more = bool(piece["more"])
    return text


async def _told(console: Console) -> Answer | None:
    """Say what the last report says, None: there is none."""
    try:
        envelope = json.loads(await _read(console, "envelope"))
        found = json.loads(base64.b64decode(envelope["payload"]))
    except ControlRefused:
        return None
    return found if isinstance(found, Mapping) else None


async def _begun(console: Console) -> None:
    """Wait a little for a walk that was just begun; it shows itself when it asks."""
    for _ in range(limits.WALK_LOOKS):
        if await _ask(console, do="look", after=0):
            return
        await asyncio.sleep(limits.WALK_LOOK_S)


async def _ask(console: Console, **said: object) -> Answer:
    """Ask the walk; empty: there is none, or it has ended."""
    return await asyncio.to_thread(_asked, console.settings.commission_socket, said)


def _asked(path: Path, said: Mapping[str, object]) -> Answer:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as walk:
            walk.settimeout(limits.WALK_ANSWER_S)
            walk.connect(str(path))
            walk.sendall(line(said))
            with walk.makefile("rb") as lines:
                found = json.loads(lines.readline(limits.WALK_BYTES) or b"{}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}
