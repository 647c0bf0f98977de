"""Logging in by a staff code, as a browser sees it."""

import httpx
import pytest

from edged.console import limits
from edged.console.users import Role
from tests.edged.console.place import Place


async def test_a_staff_code_that_was_confirmed_at_the_reader_logs_in(place: Place) -> None:
    async with place.client() as client:
        assert "front-in" in (await client.get("/login")).text
        begun = await client.post("/login/code", data={"do": "begin", "reader": "front-in"})
        assert (begun.status_code, begun.headers["location"]) == (303, "/login/code")
        assert {"HttpOnly", "Secure", "SameSite=strict"} <= set(
            begun.headers["set-cookie"].split("; ")
        )
        for language in ("ja", "ko", "en"):
            page = await client.get("/login/code", headers={"accept-language": language})
            assert "0427" in page.text
            assert "its ticket" not in page.text
        for phase in ("WAITING", "ARMED", "SHOWN", "OVER"):
            place.phase = phase
            part = await client.get("/login/code", headers={"x-part": "code"})
            assert "data-now" not in part.text
            early = await client.post("/login/code", data={"do": "enter"})
            assert early.headers["location"] == "/login/code"
            assert "edged" not in client.cookies
        place.phase = "CONFIRMED"
        assert "data-now" in (await client.get("/login/code", headers={"x-part": "code"})).text
        entered = await client.post("/login/code", data={"do": "enter"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        session = place.console.sessions.find(client.cookies["edged"])
        assert session is not None
        assert (session.user, session.role) == ("staff-boss", Role.OPERATE)
        assert session.lasts_s == limits.CODE_SESSION_S
        client.cookies.delete("edged")
        again = await client.post("/login/code", data={"do": "enter"})
        assert again.headers["location"] == "/login"
    begin, *others = place.logins
    assert begin == {"do": "begin", "reader": "front-in", "origin": "10.1.2.3"}
    assert {order["ticket"] for order in others} == {"its ticket"}


@pytest.mark.threat("D11")
async def test_only_the_browser_that_began_a_login_sees_it_and_comes_in(place: Place) -> None:
    place.phase = "CONFIRMED"
    async with place.client() as client, place.client("10.9.9.9") as stranger:
        await client.post("/login/code", data={"do": "begin", "reader": "front-in"})
        for token in ("", "guess", "its ticket"):
            stranger.cookies.set("edged_code", token)
            assert (await stranger.get("/login/code")).headers["location"] == "/login"
            answer = await stranger.post("/login/code", data={"do": "enter"})
            assert answer.headers["location"] == "/login"
        evil = {"origin": "https://evil.example"}
        for fields in ({"do": "enter"}, {"do": "begin", "reader": "front-in"}):
            answer = await client.post("/login/code", data=fields, headers=evil)
            assert answer.status_code == httpx.codes.FORBIDDEN
    assert [order["do"] for order in place.logins] == ["begin"]


@pytest.mark.threat("D11")
async def test_logins_by_a_code_are_begun_slowly_and_one_at_a_time(place: Place) -> None:
    place.begun = {"result": "BUSY"}
    async with place.client() as client:
        for _ in range(limits.GUESSES):
            busy = await client.post("/login/code", data={"do": "begin", "reader": "front-in"})
            assert busy.status_code == httpx.codes.CONFLICT
        late = await client.post("/login/code", data={"do": "begin", "reader": "front-in"})
    assert late.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert len(place.logins) == limits.GUESSES
