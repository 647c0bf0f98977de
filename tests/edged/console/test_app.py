import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from edged.console import limits, pages, users
from edged.console.app import application
from edged.console.context import Console
from edged.console.daemon import Daemon
from edged.console.metrics import Metrics
from edged.console.sessions import Session
from edged.console.users import Role
from edged.control.broadcast import Broadcast
from tests.edged.console.place import SAYING, Place
from tests.edged.control.peers import until
from tests.edged.test_wiring import FRONT, settings


async def test_nothing_is_shown_to_whoever_is_not_logged_in(place: Place) -> None:
    async with place.client() as client:
        for path in ("/", "/events", "/why", "/bookings", "/lockers", "/wiring"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        for path in ("/live", "/metrics", "/display/front"):
            answer = await client.get(path, headers={"x-part": "overview"})
            assert answer.status_code == httpx.codes.UNAUTHORIZED
        for path in ("/door", "/locker", "/testing", "/test", "/logout"):
            assert (await client.post(path)).status_code == httpx.codes.UNAUTHORIZED
    assert place.orders == []


async def test_the_device_s_own_screen_needs_no_login(place: Place) -> None:
    async with place.client("127.0.0.1") as client:
        assert (await client.get("/display/front")).status_code == httpx.codes.OK
        assert (await client.get("/display/nowhere")).status_code == httpx.codes.NOT_FOUND
        figures = (await client.get("/metrics")).text
        assert (await client.get("/")).status_code == httpx.codes.SEE_OTHER
    assert "edged_up 1.0" in figures
    assert 'edged_alarms{severity="alarm"} 1.0' in figures
    assert 'edged_device_up{device="front-in"} 0.0' in figures
    assert "edged_buffer_days 61.0" in figures
    assert "edged_link_up 1.0" in figures
    assert "edged_records_unacknowledged 7.0" in figures
    assert 'edged_certificate_end_timestamp_seconds{whose="certificate"} 1.7775936e+09' in figures


async def test_every_page_shows_and_nothing_in_it_is_markup_of_somebody_else(place: Place) -> None:
    async with place.client() as client:
        await place.log_in(client, "install")
        for path in ("/", "/events", "/why", "/bookings", "/lockers", "/wiring"):
            for language in ("ja", "ko", "en"):
                answer = await client.get(path, headers={"accept-language": language})
                assert answer.status_code == httpx.codes.OK, answer.text
                assert f'lang="{language}"' in answer.text
                assert not {"<b>strange", "<script>alert", "<i>dan"} & set(answer.text.split())
                assert "<script>alert" not in answer.text
                assert answer.headers["content-security-policy"].startswith("default-src 'none'")
                assert answer.headers["cache-control"] == "no-store"
        page = await client.get("/", headers={"accept-language": "en"})
    assert "1842 members can come in until 2026-03-05 14:20" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text


async def test_a_device_that_has_no_certificate_yet_has_its_first_page(place: Place) -> None:
    place.status["link"] = {"host": "broker:8883", "connected": False, "why": "", "fresh_s": None}
    async with place.client() as client:
        await place.log_in(client, "look")
        page = await client.get("/", headers={"accept-language": "en"})
    assert page.status_code == httpx.codes.OK
    assert "not connected" in page.text


@pytest.mark.threat("D11")
async def test_a_form_counts_from_a_page_of_the_same_session_and_origin_only(place: Place) -> None:
    async with place.client() as client:
        form = await place.log_in(client, "operate")
        order = {"do": "open", "door": "front"}
        wrong = [
            ({**order}, {}),
            ({**order, "form": "guess"}, {}),
            ({**order, "form": form}, {"origin": "https://evil.example"}),
            ({**order, "form": form}, {"origin": "null"}),
            ({**order, "form": form}, {"sec-fetch-site": "cross-site"}),
        ]
        for fields, headers in wrong:
            answer = await client.post("/door", data=fields, headers=headers)
            assert answer.status_code == httpx.codes.FORBIDDEN
        assert place.orders == []
        huge = await client.post("/door", content=b"form=" + b"x" * (limits.BODY_BYTES + 1))
        assert huge.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        right = await client.post("/door", data={**order, "form": form})
    assert (right.status_code, right.headers["location"]) == (303, "/?done=OK")
    [given] = place.orders
    assert given.items() >= {"do": "open", "door": "front", "by": "operate"}.items()


@pytest.mark.threat("D11")
@pytest.mark.parametrize(
    ("user", "path", "fields", "status"),
    [
        ("look", "/door", {"do": "open", "door": "front"}, 403),
        ("look", "/locker", {"do": "force_end", "locker": "L1"}, 403),
        ("operate", "/testing", {"on": "yes"}, 403),
        ("operate", "/test", {"door": "front"}, 403),
        ("install", "/test", {"door": "front"}, 403),
        ("operate", "/commission", {"do": "begin"}, 403),
        ("install", "/commission", {"do": "run"}, 400),
        ("operate", "/door", {"do": "rules_load"}, 400),
        ("operate", "/locker", {"do": "release_all"}, 400),
    ],
)
async def test_nobody_does_more_than_the_role_allows(
    place: Place, user: str, path: str, fields: dict[str, str], status: int
) -> None:
    async with place.client() as client:
        form = await place.log_in(client, user)
        answer = await client.post(path, data={**fields, "form": form})
    assert answer.status_code == status
    assert place.orders == []


async def test_a_locker_s_use_is_ended_by_the_page_that_named_it(place: Place) -> None:
    async with place.client() as client:
        form = await place.log_in(client, "operate")
        page = await client.get("/lockers")
        assert 'value="use-1"' in page.text
        fields = {"do": "force_end", "locker": "L1", "occupancy": "use-1", "form": form}
        assert (await client.post("/locker", data=fields)).headers["location"] == "/lockers?done=OK"
    [given] = place.orders
    assert (given["occupancy"], given["staff"]) == ("use-1", "operate")


async def test_test_buttons_work_while_somebody_tests(place: Place) -> None:
    async with place.client() as client:
        form = await place.log_in(client, "install")
        await client.post("/testing", data={"on": "yes", "form": form})
        assert "/test" in (await client.get("/wiring")).text
        answer = await client.post("/test", data={"door": "front", "form": form})
        assert answer.headers["location"] == "/wiring?done=OK"
        await client.post("/testing", data={"on": "no", "form": form})
        again = await client.post("/test", data={"door": "front", "form": form})
    assert again.status_code == httpx.codes.FORBIDDEN


@pytest.mark.threat("G10")
async def test_each_drawing_can_be_looked_at_beside_its_test_button(place: Place) -> None:
    async with place.client() as client:
        await place.log_in(client, "look")
        assert 'href="/wiring/door-front.svg"' in (await client.get("/wiring")).text
        drawn = await client.get("/wiring/door-front.svg")
        assert drawn.headers["content-type"] == "image/svg+xml"
        assert drawn.text.startswith("<svg ")
        assert (await client.get("/wiring/nowhere.svg")).status_code == httpx.codes.NOT_FOUND


async def test_nobody_tests_for_ever(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMMISSIONING_S", -1)  # a quarter of an hour is over at once
    async with place.client() as client:
        form = await place.log_in(client, "install")
        await client.post("/testing", data={"on": "yes", "form": form})
        assert 'action="/test"' not in (await client.get("/wiring")).text
        late = await client.post("/test", data={"door": "front", "form": form})
    assert (late.status_code, place.orders) == (httpx.codes.FORBIDDEN, [])


async def test_wrong_passwords_are_slowed_and_a_session_ends(place: Place) -> None:
    async with place.client() as client:
        for _ in range(limits.GUESSES):
            answer = await client.post("/login", data={"user": "look", "password": "wrong"})
            assert answer.status_code == httpx.codes.UNAUTHORIZED
        right = {"user": "look", "password": SAYING}
        assert (await client.post("/login", data=right)).status_code == 429
    async with place.client("10.9.9.9") as client:
        form = await place.log_in(client, "look")
        assert (await client.get("/")).status_code == httpx.codes.OK
        await client.post("/logout", data={"form": form})
        assert (await client.get("/")).status_code == httpx.codes.SEE_OTHER


async def test_without_a_daemon_the_pages_say_so(tmp_path: Path) -> None:
    users.put(tmp_path, "look", Role.LOOK, SAYING)
    console = Console(settings(tmp_path, front=FRONT), tmp_path, Daemon(tmp_path / "no"), Metrics())
    place = Place(application(console), console, Broadcast())
    async with place.client() as client:
        await place.log_in(client, "look")
        page = await client.get("/", headers={"accept-language": "en"})
        assert "The door program does not answer" in page.text
        assert (await client.get("/lockers")).status_code == httpx.codes.BAD_GATEWAY
    async with place.client("127.0.0.1") as client:
        assert "edged_up 0.0" in (await client.get("/metrics")).text


@asynccontextmanager
async def watching(place: Place) -> AsyncIterator[None]:
    """Let the console watch its daemon."""
    task = asyncio.create_task(place.console.daemon.run())
    await until(lambda: place.console.daemon.here and place.events.watchers > 0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_happens_is_counted_shown_and_on_the_display(place: Place) -> None:
    decided = {
        "event": "decided", "device": "front-in", "door": "front", "side": "IN",
        "member": "aiko", "decision": "ALLOW", "reason": "OK", "took_ms": 12,
    }  # fmt: skip
    async with watching(place), place.client("127.0.0.1") as client:
        await place.log_in(client, "look")
        place.events.publish(decided)
        place.events.publish({"event": "refused", "device": "front-in", "reason": "CODE_EXPIRED"})
        ahead = {"code": "FROM"}
        lines = ["17:45から", "From 17:45"]
        place.events.publish({"event": "ahead", "device": "x", "ahead": ahead, "lines": lines})
        await until(lambda: len(place.console.daemon.events) == 3)
        figures = (await client.get("/metrics")).text
        events = (await client.get("/events", headers={"x-part": "events"})).text
        screen = (await client.get("/display/front")).text
    assert 'edged_decisions_total{decision="ALLOW",device="front-in",reason="OK"} 1.0' in figures
    assert 'edged_scan_seconds_sum{device="front-in"} 0.012' in figures
    assert 'edged_unusable_codes_total{device="front-in",reason="CODE_EXPIRED"} 1.0' in figures
    assert "aiko" in events
    assert re.search(r"<time>\d\d:\d\d:\d\dZ</time>.*次に.*17:45から", events)
    assert "From 17:45" not in events  # a line for the member, in the page's language
    assert "FROM" not in events
    assert "<html" not in events
    assert "コードを表示し直してください" in screen
    assert "aiko" not in screen


async def test_a_page_is_told_which_parts_changed_and_too_many_pages_are_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from the answer itself: a client of httpx would wait for its end."""
    session = Session("look", Role.LOOK, 0, 0)
    asked = Request({"type": "http", "method": "GET", "path": "/live", "headers": []})
    answer = await pages.live(place.console, asked, session)
    assert isinstance(answer, StreamingResponse)
    told = aiter(answer.body_iterator)
    async with watching(place):
        place.events.publish({"event": "alarm", "alarm": "FIRE", "source": "fire"})
        assert await anext(told) == 'data: ["events", "overview"]\n\n'
    monkeypatch.setattr(limits, "STREAM_QUIET_S", 0.01)
    assert await anext(told) == 'data: ["overview"]\n\n'  # a link is lost without an event
    with ExitStack() as many:
        for _ in range(limits.STREAMS - 1):
            many.enter_context(place.console.daemon.watcher())
        with pytest.raises(BlockingIOError):
            await pages.live(place.console, asked, session)


def test_the_dashboard_asks_for_figures_that_there_are() -> None:
    """And README.md explains each of them."""
    figures = Metrics().text(None, None).decode()
    here = set(re.findall(r"^# TYPE (edged_\w+) ", figures, re.MULTILINE))
    root = Path(__file__).parents[3]
    asked = set(re.findall(r"edged_\w+", (root / "config" / "grafana.json").read_text()))
    asked = {name.removesuffix("_bucket") for name in asked}
    assert asked - {"edged"} <= here
    said = set(re.findall(r"`(edged_\w+)`", (root / "edged/console/README.md").read_text()))
    assert said == {name for name in here if not name.endswith("_created")}
