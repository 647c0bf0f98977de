"""What pages can have done: each a command of the daemon's desks, by whoever is logged in."""

import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edged.console import forms, limits
from edged.console.context import Console
from edged.console.sessions import Session
from edged.console.users import Role
from edged.control.wire import Verb

log = structlog.get_logger()

_DOOR: Final = {"open", "lockdown", "fire_reset"}
_LOCKER: Final = {"staff_open", "force_end", "confirm_empty", "set_aside"}


async def door(console: Console, request: Request, session: Session) -> Response:
    """Open a door, begin or end a lockdown, reset a fire."""
    fields = await forms.read(request, session)
    do = fields.get("do", "")
    order: dict[str, object] = {"do": _one_of(do, _DOOR)}
    if do == "open":
        order["door"] = fields.get("door", "")
    elif do == "lockdown":
        order["on"] = fields.get("on") == "yes"
    return await _give(console, session, Verb.DOOR, {**order, "by": session.user}, "/")


async def locker(console: Console, request: Request, session: Session) -> Response:
    """Open a locker to look inside, end its use by force, or put it in or out of order."""
    fields = await forms.read(request, session)
    order: dict[str, object] = {
        "do": _one_of(fields.get("do", ""), _LOCKER),
        "locker": fields.get("locker", ""),
        "occupancy": fields.get("occupancy") or None,
        "staff": session.user,
    }
    return await _give(console, session, Verb.LOCKER, order, "/lockers")


async def testing(_console: Console, request: Request, session: Session) -> Response:
    """Turn the test buttons on for a while, or off."""
    fields = await forms.read(request, session)
    on = fields.get("on") == "yes"
    session.testing_until_s = time.monotonic() + limits.COMMISSIONING_S if on else 0.0
    log.info("console_testing", user=session.user, on=on)
    return RedirectResponse("/wiring", HTTPStatus.SEE_OTHER)


async def test(console: Console, request: Request, session: Session) -> Response:
    """Release a door to see its lock move."""
    fields = await forms.read(request, session)
    if time.monotonic() > session.testing_until_s:
        raise HTTPException(HTTPStatus.FORBIDDEN)
    order = {"do": "open", "door": fields.get("door", ""), "by": session.user}
    return await _give(console, session, Verb.DOOR, order, "/wiring")


async def _give(
    console: Console, session: Session, verb: Verb, order: Mapping[str, object], back: str
) -> Response:
    """Give an order under a fresh id and lead back to the page, which says what came of it."""
    if session.role < Role.OPERATE:
        raise HTTPException(HTTPStatus.FORBIDDEN)
    done = await console.daemon.ask(verb, order={"command": str(uuid.uuid4()), **order})
    result = str(done.get("result"))
    log.info("console_order", user=session.user, do=order["do"], result=result)
    good = result == "OK" and done.get("released") is not False
    asked = urlencode({"done" if good else "refused": result})
    return RedirectResponse(f"{back}?{asked}", HTTPStatus.SEE_OTHER)


def _one_of(text: str, known: set[str]) -> str:
    if text not in known:
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    return text
