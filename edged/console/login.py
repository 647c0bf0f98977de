"""Logging in and out, and the language of the pages."""

import asyncio
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edged.console import forms, limits, users
from edged.console.context import COOKIE, SPOKEN, Console, Handler
from edged.console.sessions import Session
from edged.console.users import Role
from edged.settings.model import Language

log = structlog.get_logger()

_YEAR_S = 365 * 24 * 3600


def pages(console: Console) -> Handler:
    """Return the login page and its form's handler."""

    async def handle(request: Request) -> Response:
        if request.method == "GET":
            return form(console, request, _nobody(console, request))
        return await _log_in(console, request)

    return handle


def form(console: Console, request: Request, problem: str, status: int = 200) -> Response:
    """Show the ways to log in, and what was wrong."""
    doors = console.settings.doors.values()
    readers = [name for door in doors for name in door.readers]
    return console.page(request, "login.html", {"problem": problem, "readers": readers}, status)


def address_of(request: Request) -> str:
    """Name from where it is asked; empty: nobody knows."""
    return "" if request.client is None else request.client.host


def too_often(console: Console, request: Request) -> Response | None:
    """Say that this address has to wait, if it has."""
    wait_s = console.guesses.wait_s(address_of(request))
    if not wait_s:
        return None
    said = console.say(request)("wait", int(wait_s) + 1)
    return form(console, request, said, HTTPStatus.TOO_MANY_REQUESTS)


def come_in(
    console: Console, request: Request, user: str, role: Role, lasts_s: float
) -> RedirectResponse:
    """Begin a session of at most `lasts_s`, and lead to the first page."""
    console.guesses.right(address_of(request))
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        console.sessions.begin(user, role, lasts_s),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


def _nobody(console: Console, request: Request) -> str:
    there = (console.folder / users.FILE).exists()
    return "" if there else console.say(request)("no_users")


async def _log_in(console: Console, request: Request) -> Response:
    fields, say = await forms.read(request, None), console.say(request)
    if refused := too_often(console, request):
        return refused
    address = address_of(request)
    name, password = fields.get("user", ""), fields.get("password", "")
    console.guesses.wrong(address)  # before it is looked at: many at once count, too
    role = await asyncio.to_thread(users.check, console.folder, name, password)
    if role is None:
        log.warning("console_login_refused", address=address)
        return form(console, request, say("wrong"), HTTPStatus.UNAUTHORIZED)
    log.info("console_login", user=name, role=role.name, address=address)
    return come_in(console, request, name, role, limits.SESSION_S)


async def log_out(console: Console, request: Request, session: Session) -> Response:
    """End a session."""
    await forms.read(request, session)
    console.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE)
    return answer


def speak(_: Console) -> Handler:
    """Return what sets the language of the pages, for a year."""

    async def handle(request: Request) -> Response:
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        language = request.path_params["language"]
        if language in set(Language):
            answer.set_cookie(SPOKEN, language, max_age=_YEAR_S, httponly=True, samesite="strict")
        return answer

    return handle
