"""Logging in by a staff code that is shown to a door's reader (edged/readers/logins.py)."""

from http import HTTPStatus
from typing import Final

import segno
import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edged.console import forms, limits
from edged.console.context import Console, Handler
from edged.console.login import address_of, come_in, form, too_often
from edged.console.sessions import Wait
from edged.console.users import Role
from edged.control.client import ControlRefused
from edged.control.wire import Verb

log = structlog.get_logger()

COOKIE: Final = "edged_code"
_PAGE: Final = "/login/code"
_ROLES: Final = {"open": Role.LOOK, "operate": Role.OPERATE, "install": Role.INSTALL}
"""What the rules let somebody do, and what that is here."""


def pages(console: Console) -> Handler:
    """Return the page that shows the digits, and what its forms ask for."""

    async def handle(request: Request) -> Response:
        if request.method == "GET":
            return await _show(console, request)
        fields = await forms.read(request, None)
        if fields.get("do") == "enter":
            return await _enter(console, request)
        return await _begin(console, request, fields.get("reader", ""))

    return handle


async def _begin(console: Console, request: Request, reader: str) -> Response:
    """Have a login wait at a reader. Each start counts as a guess."""
    address = address_of(request)
    if refused := too_often(console, request):
        return refused
    console.guesses.wrong(address)
    try:
        order = {"do": "begin", "reader": reader, "origin": address}
        begun = await console.daemon.ask(Verb.LOGIN, order=order)
    except ControlRefused as no:
        return form(console, request, "; ".join(no.errors), HTTPStatus.CONFLICT)
    if begun["result"] != "OK":
        return form(console, request, console.say(request)("code_busy"), HTTPStatus.CONFLICT)
    answer = RedirectResponse(_PAGE, HTTPStatus.SEE_OTHER)
    wait = Wait(str(begun["ticket"]), str(begun["digits"]), reader)
    token = console.waits.begin(wait)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, token, secure=secure, httponly=True, samesite="strict")
    return answer


async def _show(console: Console, request: Request) -> Response:
    """Show the digits and how far it is; only who began it sees them."""
    wait = _wait(console, request)
    if wait is None:
        return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    looked = await console.daemon.ask(Verb.LOGIN, order={"do": "look", "ticket": wait.ticket})
    picture = segno.make_qr(f"{limits.LOGIN_PREFIX}{wait.digits}", error="m", boost_error=False)
    given = {
        "phase": looked["result"],
        "digits": wait.digits,
        "reader": wait.reader,
        "picture": picture.svg_inline(scale=6, border=4, light="#fff", lineclass=None),
    }
    template = "parts/code.html" if "x-part" in request.headers else "code.html"
    return console.page(request, template, given)


async def _enter(console: Console, request: Request) -> Response:
    """Come in, if it was confirmed."""
    wait = _wait(console, request)
    if wait is None:
        return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    entered = await console.daemon.ask(Verb.LOGIN, order={"do": "enter", "ticket": wait.ticket})
    role = _ROLES.get(str(entered.get("role")))
    if role is None:
        return RedirectResponse(_PAGE, HTTPStatus.SEE_OTHER)
    console.waits.end(request.cookies.get(COOKIE, ""))
    user = f"staff-{entered['staff']}"[:64]
    log.info("console_login", user=user, role=role.name, address=address_of(request))
    answer = come_in(console, request, user, role, limits.CODE_SESSION_S)
    answer.delete_cookie(COOKIE)
    return answer


def _wait(console: Console, request: Request) -> Wait | None:
    return console.waits.find(request.cookies.get(COOKIE, ""))
