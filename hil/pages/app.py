"""The pages: one picture of a house, live, and what can be done there."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

import jinja2
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hil.pages.house import Act, House
from hil.people import BuildingGone, Refused
from hil.site import rules as samples

_HERE: Final = Path(__file__).parent
_ACT: Final[TypeAdapter[Act]] = TypeAdapter(Act)
_ACT_BYTES = 1_000


class Pages:
    """What is answered, of one house; `links` are other pages' addresses by what is written."""

    def __init__(self, house: House, links: dict[str, str]) -> None:
        self._house, self._links = house, links
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
        )

    async def page(self, _: Request) -> Response:
        """Show the house as it is."""
        told = {
            "stores": self._house.stores(),
            "people": samples.PEOPLE,
            "links": self._links,
            "state": await self._house.look(),
        }
        return HTMLResponse(self._templates.get_template("page.html").render(told))

    async def phone(self, request: Request) -> Response:
        """Show what a member's phone shows at this moment."""
        try:
            picture = self._house.phone(request.path_params["who"])
        except KeyError:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return Response(picture, media_type="image/png", headers={"cache-control": "no-store"})

    async def do(self, request: Request) -> Response:
        """Do one thing in the house."""
        # A page of somebody else's can't send this type without asking first.
        if request.headers.get("content-type") != "application/json":
            return _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not JSON")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _ACT_BYTES:
                return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long")
        try:
            await self._house.do(_ACT.validate_json(body))
        except ValidationError as wrong:
            fault = wrong.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, fault["loc"]))
            return _refused(HTTPStatus.BAD_REQUEST, f"{field}: {fault['msg']}")
        except KeyError as unknown:
            return _refused(HTTPStatus.BAD_REQUEST, f"no such name: {unknown}")
        except Refused as refused:
            return _refused(HTTPStatus.CONFLICT, str(refused))
        except BuildingGone:
            return _refused(HTTPStatus.BAD_GATEWAY, "the building is gone")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def live(self, _: Request) -> Response:
        """Tell a page what happens, and how everything is then."""
        return StreamingResponse(self._told(), media_type="text/event-stream")

    async def _told(self) -> AsyncIterator[str]:
        with suppress(BuildingGone):
            async for seen in self._house.watch():
                state = await self._house.look()
                yield f"data: {json.dumps({'seen': seen, 'state': state})}\n\n"


def application(house: House, links: dict[str, str]) -> Starlette:
    """Make the application that shows a house; `links` as for `Pages`."""
    pages = Pages(house, links)
    here = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(
        middleware=[here],
        routes=[
            Route("/", pages.page),
            Route("/phone/{who}.png", pages.phone),
            Route("/do", pages.do, methods=["POST"]),
            Route("/live", pages.live),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
    )


def _refused(status: HTTPStatus, why: str) -> Response:
    return JSONResponse({"error": why}, status_code=int(status))
