"""Forms: read within a limit, and only from a page of the same session and origin."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from edged.console import limits
from edged.console.sessions import Session


async def read(request: Request, session: Session | None) -> Mapping[str, str]:
    """Read a form's fields; of a session, only with its secret.

    Raises:
        HTTPException: It is too large, no form, or from somewhere else.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    ours = f"{request.url.scheme}://{request.url.netloc}"
    if site not in {"same-origin", "none"} or origin not in {None, ours}:
        raise HTTPException(HTTPStatus.FORBIDDEN)
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > limits.BODY_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=32, strict_parsing=bool(body)))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    if session is not None and not session.fits(fields.get("form", "")):
        raise HTTPException(HTTPStatus.FORBIDDEN)
    return fields
