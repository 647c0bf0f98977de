"""A walk as its pages show it, and what they answer."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from edged.commission import plan, scripts
from edged.commission.paged import Paged, listening
from edged.commission.words import Ask, Kind, Outcome, Signal, Step, Verdict, Watch
from edged.console import limits, walking
from edged.console.sessions import Session
from edged.console.users import Role
from edged.console.walk_words import ASKED, CHOICES, TITLES, shown
from edged.settings.model import Language
from tests.edged.commission.walks import settings
from tests.edged.console.place import Place

WHICH = Ask("lock/front/which", "Which <i>door</i>?", ("front", "none"))
REPORT = {"accepted": False, "simulated": True, "by": "kim", "ended": "2026-03-02T03:00:00.000Z"}


@pytest.fixture
async def walk(place: Place) -> AsyncIterator[Paged]:
    """A walk in the name of kim, of which one step has ended."""
    found = Paged("kim")
    found.ended(Step(Kind.SECURE, "front"), Outcome(Verdict.FAILED, "it <b>opens</b>"))
    with listening(place.console.settings.commission_socket, found, None):
        yield found


async def test_a_question_is_shown_in_three_languages_and_answered(
    place: Place, walk: Paged
) -> None:
    async with place.client() as client:
        form = await place.log_in(client, "install")
        answer = asyncio.create_task(asyncio.to_thread(walk.ask, WHICH))
        while "lock/front/which" not in (page := (await client.get("/commission")).text):
            pass
        assert "<b>opens</b>" not in page
        assert "<i>door" not in page
        for language, words in (("ja", "どの扉の錠"), ("ko", "어느 문"), ("en", "Which &lt;i")):
            asked = await client.get("/commission", headers={"accept-language": language})
            assert words in asked.text
        fields = {"do": "answer", "key": WHICH.key, "answer": "front", "form": form}
        done = await client.post("/commission", data=fields)
        assert done.headers["location"] == "/commission"
        assert await answer == "front"
        assert place.commissions == []  # the daemon may be frozen: it is asked for nothing


async def test_a_task_says_how_long_there_is_and_a_walk_is_stopped(
    place: Place, walk: Paged
) -> None:
    walk.tell(Watch("reader/front-in/show", "Show a code.", Signal.CODE, 60.0))
    async with place.client() as client:
        form = await place.log_in(client, "install")
        part = await client.get("/commission", headers={"x-part": "walk", "accept-language": "en"})
        assert "within 60 seconds" in part.text
        assert "<html" not in part.text
        await client.post("/commission", data={"do": "stop", "form": form})
    assert walk._stopped


async def test_pages_are_told_of_what_is_new_until_the_walk_ends(place: Place) -> None:
    session = Session("kim", Role.INSTALL, 0, 0)
    asked = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    walk = Paged("kim")
    with listening(place.console.settings.commission_socket, walk, None):
        answer = await walking.live(place.console, asked, session)
        assert isinstance(answer, StreamingResponse)
        told = aiter(answer.body_iterator)
        assert await anext(told) == "data: 1\n\n"
        walk.tell(Watch("reader/front-in/show", "Show a code.", Signal.CODE, 60.0))
        assert await anext(told) == "data: 2\n\n"
    assert await anext(told) == "event: over\ndata: 0\n\n"
    for _ in range(limits.WALK_STREAMS - 1):  # the stream above is not closed
        await place.console.walkers.acquire()
    with pytest.raises(BlockingIOError):
        await walking.live(place.console, asked, session)


async def test_a_walk_is_begun_in_the_name_of_who_is_logged_in(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WALK_LOOKS", 2)
    async with place.client() as client:
        form = await place.log_in(client, "install")
        for anew in ("", "yes"):
            fields = {"do": "begin", "anew": anew, "form": form}
            begun = await client.post("/commission", data=fields)
            assert begun.status_code == httpx.codes.SEE_OTHER
    begins = [order for order in place.commissions if order["do"] == "begin"]
    assert begins == [{"do": "begin", "by": "install", "anew": one} for one in (False, True)]


async def test_who_has_to_show_a_code_first_is_told_so(place: Place) -> None:
    place.walk = "NOT_HERE"
    async with place.client() as client:
        form = await place.log_in(client, "install")
        begun = await client.post("/commission", data={"do": "begin", "form": form})
        page = await client.get(begun.headers["location"], headers={"accept-language": "en"})
        assert "log in by a staff code at a reader first" in page.text


async def test_the_last_report_is_told_read_and_downloaded(place: Place) -> None:
    english = {"accept-language": "en"}
    async with place.client() as client:
        await place.log_in(client, "install")
        assert "Acceptance report" not in (await client.get("/commission", headers=english)).text
        payload = json.dumps({**REPORT, "missing": ["board/hall.board"]}).encode()
        place.report = json.dumps({"payload": base64.b64encode(payload).decode()})
        page = (await client.get("/commission", headers=english)).text
        assert "Not accepted" in page
        assert "board/hall.board" in page
        signed = await client.get("/commission/report/envelope")
        assert signed.json() == json.loads(place.report)
        assert signed.headers["content-disposition"].startswith("attachment")
        read = await client.get("/commission/report/page")
        assert read.headers.get_list("content-security-policy") == [walking._POLICY]
        assert (await client.get("/commission/report/key")).status_code == 404


def test_every_question_of_a_walk_has_words_in_every_language(tmp_path: Path) -> None:
    device = settings(tmp_path)
    assert {kind.value for kind in Kind} == TITLES.keys()
    for step in plan.steps(device):
        request = next(scripts.begin(step, device))
        assert isinstance(request, Ask | Watch)
        said = {"ask": request.key, "text": request.text, "choices": ["go", "front"]}
        for language in (Language.JA, Language.KO):
            found = shown(said, language)
            assert found.text != request.text
            assert found.choices[0][1] != "go"
            assert found.choices[1] == ("front", "front")
    source = Path(scripts.__file__).read_text()
    names = {one.split('"')[0] for one in source.split("{step.key}/")[1:]}
    assert {name.rpartition("/")[2] for name in ASKED} == names
    assert set(CHOICES) == {"go", "skip", "yes", "no", "none", "another"}


def test_a_question_without_words_is_shown_as_it_is_asked() -> None:
    found = shown({"ask": "new/front/thing", "text": "Look up."}, Language.JA)
    assert (found.title, found.text, found.choices, found.for_s) == ("new", "Look up.", (), 0)
