"""Provisioning on the pages: who this device is to its cloud, and a claim for it."""

from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edged.console import forms
from edged.console.context import Console
from edged.console.sessions import Session
from edged.control.client import ControlRefused
from edged.control.wire import Verb

log = structlog.get_logger()


async def page(console: Console, request: Request, _: Session) -> Response:
    """Show how the identity stands and how far an enrolment is."""
    return await _show(console, request, "")


async def claim(console: Console, request: Request, session: Session) -> Response:
    """Hand a typed claim to the daemon. It stands in no address, no log and no page."""
    fields = await forms.read(request, session)
    order = {"do": "claim", "by": session.user, "claim": fields.get("claim", "")}
    try:
        result = (await console.daemon.ask(Verb.PROVISION, order=order))["result"]
    except ControlRefused:
        result = "BAD_CLAIM"
    log.info("console_claim", user=session.user, result=result)
    if result == "OK":
        return RedirectResponse("/provision", HTTPStatus.SEE_OTHER)
    problem = console.say(request)(f"claim_{result}")
    return await _show(console, request, problem, HTTPStatus.CONFLICT)


async def _show(console: Console, request: Request, problem: str, status: int = 200) -> Response:
    found = await console.daemon.ask(Verb.PROVISION, order={"do": "look"})
    given = {"found": found, "problem": problem}
    part = "x-part" in request.headers
    return console.page(
        request, "parts/provision.html" if part else "provision.html", given, status
    )
