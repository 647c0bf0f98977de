"""What every page is given, and who is let through to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from edged.console import limits
from edged.console.daemon import Daemon
from edged.console.metrics import Metrics
from edged.console.sessions import Guesses, Session, Sessions, Waits
from edged.console.users import Role
from edged.console.words import Say, speaker
from edged.settings.model import Language, Settings

HERE: Final = Path(__file__).parent
COOKIE: Final = "edged"
SPOKEN: Final = "lang"


@dataclass(frozen=True)
class Console:
    """What every page is given."""

    settings: Settings
    folder: Path
    daemon: Daemon
    metrics: Metrics
    sessions: Sessions = field(default_factory=lambda: Sessions(time.monotonic))
    waits: Waits = field(default_factory=Waits)
    walkers: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(limits.WALK_STREAMS)
    )
    guesses: Guesses = field(default_factory=lambda: Guesses(time.monotonic))
    templates: Environment = field(
        default_factory=lambda: Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
    )

    def session(self, request: Request) -> Session | None:
        """Return who asks, if logged in."""
        return self.sessions.find(request.cookies.get(COOKIE, ""))

    def language(self, request: Request) -> Language:
        """Return the language of the pages: chosen, else the browser's, else the device's."""
        wanted = [request.cookies.get(SPOKEN, "")]
        wanted += [part[:2] for part in request.headers.get("accept-language", "").split(",")]
        for one in wanted:
            if one in set(Language):
                return Language(one)
        return self.settings.language[0]

    def page(
        self,
        request: Request,
        template: str,
        given: Mapping[str, object] | None = None,
        status: int = 200,
    ) -> Response:
        """Show a template."""
        language, session = self.language(request), self.session(request)
        html = self.templates.get_template(template).render(
            say=speaker(language),
            language=language.value,
            languages=[one.value for one in Language],
            session=session,
            role=0 if session is None else int(session.role),
            path=request.url.path,
            site=self.settings.device,
            here=self.daemon.here,
            **(given or {}),
        )
        return HTMLResponse(html, status)

    def say(self, request: Request) -> Say:
        """Return what says a text in the asker's language."""
        return speaker(self.language(request))


Page = Callable[[Console, Request, Session], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]


def with_role(console: Console, role: Role, page: Page) -> Handler:
    """Let only those through who are logged in and may; others are led to the login."""

    async def guarded(request: Request) -> Response:
        session = console.session(request)
        if session is None:
            if request.method == "GET" and "x-part" not in request.headers:
                return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
            raise HTTPException(HTTPStatus.UNAUTHORIZED)
        if session.role < role:
            raise HTTPException(HTTPStatus.FORBIDDEN)
        return await page(console, request, session)

    return guarded


def loopback(console: Console, page: Page) -> Handler:
    """Let the device's own screen and collector in without a login, others only with one."""

    async def guarded(request: Request) -> Response:
        session = console.session(request)
        here = request.client is not None and request.client.host in {"127.0.0.1", "::1"}
        if session is None and not here:
            raise HTTPException(HTTPStatus.UNAUTHORIZED)
        nobody = Session("display", Role.LOOK, 0, 0)
        return await page(console, request, session or nobody)

    return guarded
