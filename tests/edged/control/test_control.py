import asyncio
import json
import os
import pwd
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from edged import limits
from edged.control import wire
from edged.control.broadcast import Broadcast
from edged.control.client import ControlRefused, DaemonAbsent, DaemonUnreachable, ask
from edged.control.server import ControlServer, Pace
from edged.control.wire import Verb
from edged.errors import NotFound, RulesFaulty
from edged.exits import Exit
from tests.edged.control.peers import HANDLERS, WITHIN_S, load, peer, serving, until


async def test_a_command_gets_its_answer(path: Path) -> None:
    async with serving(path):
        assert await asyncio.to_thread(ask, path, Verb.STATUS) == {"well": True}


async def test_a_command_hears_what_was_wrong(path: Path) -> None:
    async with serving(path):
        with pytest.raises(ControlRefused) as refused:
            await asyncio.to_thread(ask, path, Verb.RULES_LOAD, path="/x.json")
    assert refused.value.code == 4
    assert refused.value.errors == ("/x.json: one", "two")


@pytest.mark.parametrize("stale", [False, True])
async def test_where_no_daemon_runs_nobody_answers(path: Path, stale: bool) -> None:
    if stale:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    with pytest.raises(DaemonAbsent, match=r"control\.sock"):
        ask(path, Verb.STATUS)
    async with serving(path):
        assert await asyncio.to_thread(ask, path, Verb.STATUS)
    with pytest.raises(DaemonAbsent, match="No such file"):
        ask(path, Verb.STATUS)


@pytest.mark.threat("D10", "D11")
async def test_the_socket_is_for_its_owner(path: Path) -> None:
    async with serving(path):
        found = await asyncio.to_thread(path.stat)
    assert stat.S_IMODE(found.st_mode) == 0o600


@pytest.mark.threat("D10", "D11")
async def test_another_user_is_not_answered(path: Path) -> None:
    refusal = {"ok": False, "exit": 12, "errors": [f"user {os.geteuid()} may not ask"]}
    async with serving(path, users={os.geteuid() + 1: frozenset(Verb)}), peer(path) as other:
        assert await other.hear() == refusal
        assert await other.hears_the_end()


def test_every_verb_needs_its_handler(path: Path) -> None:
    with pytest.raises(ValueError, match=r"no handler for bookings, commission, .*, why"):
        ControlServer(path, {Verb.RULES_LOAD: load}, Broadcast())


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[]", "not an object"),
        (b"7", "not an object"),
        (b"{}", "verb: one of status, watch, rules_load"),
        (b'{"verb": "open"}', "verb: one of"),
        (b'{"verb": []}', "verb: one of"),
        (b'{"verb": "status", "x\\n": 1}', "status takes no x\\n"),
        (b'{"verb": "rules_load"}', "rules_load needs path: str"),
        (b'{"verb": "rules_load", "path": 7}', "rules_load needs path: str"),
    ],
)
async def test_a_bad_request_is_answered_and_forgotten(path: Path, line: bytes, error: str) -> None:
    async with serving(path), peer(path) as someone:
        await someone.say(line + b"\n")
        heard = await someone.hear()
        assert (heard["ok"], heard["exit"]) == (False, 2)
        assert isinstance(heard["errors"], list)
        assert heard["errors"][0].startswith(error)
        assert await someone.asks("status") == {"ok": True, "answer": {"well": True}}


@pytest.mark.threat("D11")
async def test_a_line_has_an_end(path: Path) -> None:
    async with serving(path), peer(path) as someone:
        someone.writer.write(b"x" * (limits.CONTROL_LINE_BYTES * 3))
        assert (await someone.hear())["exit"] == 2
        assert await someone.hears_the_end()


async def test_half_a_request_is_none(path: Path) -> None:
    async with serving(path), peer(path) as someone:
        await someone.say(b'{"verb": "status"}')
        someone.writer.write_eof()
        assert await someone.hears_the_end()


async def test_a_silent_connection_gives_its_place_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONTROL_IDLE_S", 0.01)
    async with serving(path), peer(path) as someone:
        assert await someone.hears_the_end()


@pytest.mark.threat("D4")
async def test_who_comes_and_goes_leaves_nothing_open(path: Path) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with serving(path):
        before = opened()
        for _ in range(10 * limits.CONTROL_CONNECTIONS):
            async with peer(path) as someone:
                assert not (await someone.asks("nonsense"))["ok"]
        await until(lambda: opened() <= before)


@pytest.mark.threat("D11")
async def test_there_are_only_so_many_places(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONTROL_CONNECTIONS", 1)
    async with serving(path):
        async with peer(path) as first:
            assert (await first.asks("status"))["ok"]
            async with peer(path) as second:
                assert (await second.hear())["exit"] == 9
                assert await second.hears_the_end()
            with pytest.raises(ControlRefused, match="too many"):
                await asyncio.to_thread(ask, path, Verb.STATUS)
        async with asyncio.timeout(WITHIN_S):
            while not await answers(path):
                pass


async def answers(path: Path) -> bool:
    async with peer(path) as someone:
        return bool((await someone.asks("status"))["ok"])


async def test_a_request_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONTROL_REQUEST_S", 0.01)

    async def hang(_: Mapping[str, object]) -> Mapping[str, object]:
        await asyncio.Event().wait()
        return {}

    async with serving(path, {**HANDLERS, Verb.STATUS: hang}), peer(path) as someone:
        assert (await someone.asks("status"))["ok"] is False


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (NotFound("member M7"), 10, "member M7"),
        (PermissionError(13, "Permission denied", "/x.json"), 12, "/x.json: Permission denied"),
        (KeyError("oops"), 1, "internal error: KeyError"),
        (ValueError("x" * 100_000), 1, "internal error: ValueError"),
        (RulesFaulty(["y" * 1_000] * 1_000), 4, "yyy"),
        (RulesFaulty(["\u3042" * 500] * 1_000), 4, "and 988 more"),
    ],
)
async def test_a_handlers_failure_is_an_answer(
    path: Path, error: Exception, code: int, text: str, logged: list[EventDict]
) -> None:
    async def fail(_: Mapping[str, object]) -> Mapping[str, object]:
        raise error

    async with serving(path, {**HANDLERS, Verb.STATUS: fail}), peer(path) as someone:
        heard = await someone.asks("status")
        assert heard["exit"] == code
        assert text in str(heard["errors"])
        assert (await someone.asks("status"))["exit"] == code
    assert [one["event"] for one in logged] == ["control_request_failed"] * 2 * (code == 1)


def test_a_pace_allows_a_burst_and_then_its_rate() -> None:
    pace = Pace(100.0)
    assert [pace.delay_s(100.0) for _ in range(limits.CONTROL_BURST)] == [0] * limits.CONTROL_BURST
    assert pace.delay_s(100.0) == pytest.approx(1 / limits.CONTROL_REQUESTS_PER_S)
    assert pace.delay_s(100.0) == pytest.approx(2 / limits.CONTROL_REQUESTS_PER_S)
    assert pace.delay_s(1_000.0) == 0


@pytest.mark.threat("D11")
async def test_who_asks_too_often_is_slowed_down(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CONTROL_BURST", 1)
    monkeypatch.setattr(limits, "CONTROL_REQUESTS_PER_S", 100.0)
    async with serving(path), peer(path) as someone:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await someone.say(b'{"verb": "status"}\n' * 11)
        for _ in range(11):
            assert (await someone.hear())["ok"]
        assert loop.time() - began_s >= 0.1


GARBAGE = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9) | st.sampled_from(sorted(Verb)),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["verb", "path", "id"]) | st.text(max_size=3), inner)
        ),
        max_leaves=8,
    ).map(lambda said: json.dumps(said).encode()),
)


@pytest.mark.threat("A8")
@given(GARBAGE)
def test_garbage_is_a_request_or_a_bad_one(line: bytes) -> None:
    try:
        request = wire.read_request(line)
    except wire.BadRequest as bad:
        request, problem = None, str(bad)
    else:
        problem = ""
    assert problem.isprintable()
    assert request is None or request.arguments.keys() == wire.ARGUMENTS[request.verb].keys()


@pytest.mark.threat("D11")
@given(st.lists(GARBAGE, max_size=5))
def test_garbage_never_hurts_another_client(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / f"c{os.getpid()}.sock"

    async def story() -> None:
        async with serving(path), peer(path) as honest, peer(path) as other:
            other.writer.write(b"\n".join(lines))
            assert await honest.asks("status") == {"ok": True, "answer": {"well": True}}
            other.writer.transport.abort()
            assert await honest.asks("status") == {"ok": True, "answer": {"well": True}}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "hung up"),
        (b"{}", "hung up"),
        (b"nonsense\n", "makes no sense"),
        (b"[]\n", "makes no sense"),
        (b'{"ok": true}\n', "makes no sense"),
        (b'{"ok": false, "exit": "x", "errors": []}\n', "makes no sense"),
        (b'{"ok": false, "exit": 1, "errors": "x"}\n', "makes no sense"),
        (b"x" * (limits.CONTROL_LINE_BYTES + 10), "hung up"),
    ],
)
async def test_a_command_believes_no_nonsense(path: Path, answer: bytes, problem: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_unix_server(speak, path):
        with pytest.raises(DaemonUnreachable, match=problem):
            await asyncio.to_thread(ask, path, Verb.STATUS)


@pytest.mark.threat("D11")
async def test_the_console_s_user_asks_what_the_console_may(path: Path) -> None:
    me = os.geteuid()
    async with serving(path, users={me: wire.CONSOLE}), peer(path) as other:
        assert (await other.asks("status"))["ok"] is True
        refused = await other.asks("rules_load", path="/x.json")
    assert (refused["ok"], refused["exit"]) == (False, Exit.FORBIDDEN)


async def test_the_socket_is_the_console_s_group_s_too_where_there_is_a_console(
    path: Path, logged: list[EventDict]
) -> None:
    nobody = pwd.getpwnam("nobody")
    async with serving(path, guest="nobody"):
        made = await asyncio.to_thread(path.stat)
        assert (stat.S_IMODE(made.st_mode), made.st_gid) == (0o660, nobody.pw_gid)
    async with serving(path, guest="no-such-user"):
        made = await asyncio.to_thread(path.stat)
        assert stat.S_IMODE(made.st_mode) == 0o600
    assert [line["event"] for line in logged] == ["console_shut_out"]
