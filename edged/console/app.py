"""The console as a web application: routes, and what holds for every answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edged.console import acts, code_login, login, pages, provisioning, walking
from edged.console.context import HERE, Console, loopback, with_role
from edged.console.display import Displays
from edged.console.users import Role
from edged.control.client import ControlRefused, DaemonUnreachable

_HEADERS: Final = [
    (
        b"content-security-policy",
        b"; ".join(
            (
                b"default-src 'none'",
                b"style-src 'self'",
                b"script-src 'self'",
                b"img-src 'self'",
                b"connect-src 'self'",
                b"form-action 'self'",
                b"frame-ancestors 'none'",
                b"base-uri 'none'",
            )
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
]


class Armour:
    """Gives every answer the headers that keep a browser from helping somebody else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer through the application inside."""

        async def armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                named = {name for name, _ in own}
                message["headers"] = [*own, *(one for one in _HEADERS if one[0] not in named)]
            await send(message)

        await self._app(scope, receive, armoured if scope["type"] == "http" else send)


def application(console: Console) -> Starlette:
    """Make the application; it watches the daemon while it runs."""

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(console.daemon.run())
        yield
        watching.cancel()
        await asyncio.wait({watching})

    async def failed(request: Request, error: Exception) -> Response:
        return _failure(console, request, error)

    screen = Displays(console)
    console.daemon.listen(screen.take)
    console.daemon.listen(console.metrics.take)
    return Starlette(
        lifespan=living,
        middleware=[Middleware(Armour)],
        exception_handlers={
            HTTPException: failed,
            ControlRefused: failed,
            DaemonUnreachable: failed,
            PermissionError: failed,
            BlockingIOError: failed,
        },
        routes=_routes(console, screen),
    )


def _routes(console: Console, screen: Displays) -> list[BaseRoute]:
    looks = {
        "/": pages.overview,
        "/events": pages.events,
        "/why": pages.why,
        "/bookings": pages.bookings,
        "/lockers": pages.lockers,
        "/wiring": pages.wiring,
        "/wiring/{name}.svg": pages.drawing,
        "/live": pages.live,
    }
    installs = {
        "/provision": provisioning.page,
        "/commission": walking.page,
        "/commission/live": walking.live,
        "/commission/report/{what}": walking.report,
    }
    return [
        *(Route(path, with_role(console, Role.LOOK, page)) for path, page in looks.items()),
        *(Route(path, with_role(console, Role.INSTALL, page)) for path, page in installs.items()),
        Route("/provision", with_role(console, Role.INSTALL, provisioning.claim), methods=["POST"]),
        Route("/commission", with_role(console, Role.INSTALL, walking.act), methods=["POST"]),
        Route("/door", with_role(console, Role.OPERATE, acts.door), methods=["POST"]),
        Route("/locker", with_role(console, Role.OPERATE, acts.locker), methods=["POST"]),
        Route("/testing", with_role(console, Role.INSTALL, acts.testing), methods=["POST"]),
        Route("/test", with_role(console, Role.INSTALL, acts.test), methods=["POST"]),
        Route("/logout", with_role(console, Role.LOOK, login.log_out), methods=["POST"]),
        Route("/login", login.pages(console), methods=["GET", "POST"]),
        Route("/login/code", code_login.pages(console), methods=["GET", "POST"]),
        Route("/lang/{language}", login.speak(console)),
        Route("/display/{door}", loopback(console, screen.page)),
        Route("/display/{door}/live", loopback(console, screen.live)),
        Route("/metrics", loopback(console, pages.metrics)),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]


def _failure(console: Console, request: Request, error: Exception) -> Response:
    """Say what went wrong, on a page of its own; nothing of the inside is told."""
    say = console.say(request)
    match error:
        case HTTPException(status_code=status):
            words = {
                HTTPStatus.NOT_FOUND: "not_found",
                HTTPStatus.FORBIDDEN: "not_allowed",
                HTTPStatus.UNAUTHORIZED: "login",
                HTTPStatus.TOO_MANY_REQUESTS: "too_many",
            }
            texts = [say(words[HTTPStatus(status)]) if status in words else str(status)]
        case ControlRefused(errors=errors):
            status, texts = HTTPStatus.CONFLICT, list(errors)
        case BlockingIOError():
            status, texts = HTTPStatus.SERVICE_UNAVAILABLE, [say("too_many")]
        case _:
            status, texts = HTTPStatus.BAD_GATEWAY, [say("daemon_lost")]
    return console.page(request, "error.html", {"texts": texts}, int(status))
