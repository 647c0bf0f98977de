"""The displays at the doors: a page each, told live what to show."""

import json
import time
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from edged.console import limits, screen
from edged.console.context import Console
from edged.console.pages import steadily
from edged.console.screen import Screen
from edged.console.sessions import Session
from edged.console.words import speaker
from edged.control.broadcast import Broadcast, Event


class Displays:
    """What each door's display shows now."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._languages = console.settings.language
        doors = console.settings.doors
        self._screens = dict.fromkeys(doors, Screen())
        self._door_of = {reader: name for name, door in doors.items() for reader in door.readers}
        self._changed = Broadcast(size=1)

    async def take(self, event: Event) -> None:
        """Take an event of the daemon's."""
        now_ms = time.monotonic_ns() // 1_000_000
        for door, shown in self._screens.items():
            new = screen.step(shown, event, door, self._languages, now_ms)
            device = str(event.get("device"))
            if event.get("event") == "refused" and self._door_of.get(device) == door:
                reason = str(event.get("reason"))
                new = screen.answered(new, device, reason, self._languages, now_ms)
            self._screens[door] = new
        self._changed.publish(event)

    async def page(self, console: Console, request: Request, _: Session) -> Response:
        """Show a door's display, full screen."""
        door = self._door(request)
        return console.page(request, "display.html", {"door": door, "html": self._html(door)})

    async def live(self, _console: Console, request: Request, _: Session) -> Response:
        """Tell a display what to show, whenever that changes."""
        door = self._door(request)
        if self._changed.watchers >= limits.STREAMS:
            raise BlockingIOError("too many displays are told live")
        return StreamingResponse(self._told(door), media_type="text/event-stream")

    async def _told(self, door: str) -> AsyncIterator[str]:
        last = ""
        with self._changed.watcher() as watcher:
            async for _ in steadily(watcher, partial(self._left_s, door)):
                html = self._html(door)
                yield ":\n\n" if html == last else f"data: {json.dumps(html)}\n\n"
                last = html

    def _left_s(self, door: str) -> float:
        """How long the display shows what it shows, if nothing happens."""
        shown, now_ms = self._screens[door], time.monotonic_ns() // 1_000_000
        left_s = (shown.until_ms - now_ms) / 1000
        return min(left_s, limits.STREAM_QUIET_S) if left_s > 0 else limits.STREAM_QUIET_S

    def _html(self, door: str) -> str:
        shown = screen.passed(self._screens[door], time.monotonic_ns() // 1_000_000)
        says = [(one.value, speaker(one)) for one in self._languages]
        template = self._console.templates.get_template("parts/screen.html")
        return template.render(screen=shown, says=says, here=self._console.daemon.here, door=door)

    def _door(self, request: Request) -> str:
        door = str(request.path_params["door"])
        if door not in self._screens:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return door
