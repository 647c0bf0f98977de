"""A network stays if the broker answers over it; whatever else happens, it is as before."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edged import limits
from edged.errors import NetworkRefused, NotFound
from edged.network import change as work
from edged.network.manager import NetworkManager
from edged.network.wish import Wish
from edged.settings.model import Settings
from hil.byzantine.pki import Authority
from tests.edged.cloud.test_trusting import CLOUD
from tests.edged.fakes import FakeClock, until
from tests.edged.lockers.test_desk import settings as made

WITHIN_S = 60.0
ENDS = ("active", "try_out", "reach", "keep")


class Keeper:
    """A manager of one device, which NetworkManager's contract holds for: `fails` is its no."""

    def __init__(self, fails: str = "") -> None:
        self.up: str | None = "before"
        self.trial: str | None = None
        self.kept: str | None = "before"
        self._fails = fails

    async def active(self, kind: str, interface: str | None) -> str | None:
        assert (kind, interface) == ("ethernet", None)
        self._may("active")
        return self.up

    async def try_out(self, kind: str, profile: str, uuid: str) -> None:
        assert f"uuid={uuid}\n" in profile
        assert kind == "ethernet"
        self.trial = self.up = uuid
        self._may("try_out")

    async def keep(self, kind: str, profile: str) -> None:
        assert kind == "ethernet"
        self._may("keep")
        assert self.trial is not None
        assert self.trial in profile
        self.kept, self.trial = self.trial, None

    async def back(self, kind: str, uuid: str | None) -> None:
        assert kind == "ethernet"
        self.trial, self.up = None, uuid

    def _may(self, what: str) -> None:
        if what == self._fails:
            raise NetworkRefused(what)


async def test_what_the_broker_answers_over_is_kept() -> None:
    keeper, clock = Keeper(), FakeClock()
    answers = iter([OSError("no route"), OSError("refused"), None])

    async def reach() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    asking = asyncio.create_task(work.change(Wish(), keeper, reach, clock, WITHIN_S))
    for _ in range(2):
        await until(lambda: clock.sleeping_ms != [])
        assert keeper.kept == "before"
        await clock.advance(limits.NETWORK_AGAIN_MS)
    said = await asking
    assert (said["uuid"], said["before"]) == (keeper.kept, "before")
    assert (keeper.up, keeper.trial) == (keeper.kept, None)


async def test_without_an_answer_in_time_it_is_as_before() -> None:
    keeper = Keeper()

    async def reach() -> None:
        raise ConnectionRefusedError(111, "refused")

    with pytest.raises(NetworkRefused, match=r"not reached by it.*refused"):
        await work.change(Wish(), keeper, reach, FakeClock(), 0.01)
    assert (keeper.up, keeper.kept, keeper.trial) == ("before", "before", None)


@pytest.mark.parametrize("fails", ENDS)
async def test_a_no_at_any_step_leaves_it_as_before(fails: str) -> None:
    keeper = Keeper(fails)

    async def reach() -> None:
        if fails == "reach":
            raise ZeroDivisionError

    with pytest.raises((NetworkRefused, ZeroDivisionError)):
        await work.change(Wish(), keeper, reach, FakeClock(), WITHIN_S)
    assert (keeper.up, keeper.kept, keeper.trial) == ("before", "before", None)


async def test_who_is_cancelled_takes_it_back() -> None:
    keeper, never = Keeper(), asyncio.Event()

    async def reach() -> None:
        await never.wait()

    asking = asyncio.create_task(work.change(Wish(), keeper, reach, FakeClock(), WITHIN_S))
    await until(lambda: keeper.trial is not None)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    assert (keeper.up, keeper.kept, keeper.trial) == ("before", "before", None)


def test_without_networkmanager_or_a_cloud_nothing_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound, match="NetworkManager"):
        NetworkManager()
    with pytest.raises(NotFound, match="name no cloud"):
        work.reaching(made(tmp_path), knows_time=True)


@pytest.fixture
async def answered(tmp_path: Path) -> object:
    """A broker that shakes hands; what makes the settings of a device that knows its authority."""
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("broker", ["127.0.0.1"]))
    server = await asyncio.start_server(lambda _, out: out.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    certificate, key = authority.issue("S1")

    def settings(ca_file: Path, *, own: bool) -> Settings:
        place = {"host": "127.0.0.1", "port": port if own else 1, "enrol_port": 1 if own else port}
        files = {"certificate_file": str(certificate), "key_file": str(key)} if own else {}
        bare = {name: CLOUD[name] for name in ("tenant",)}
        return made(tmp_path / "state", cloud={**bare, **place, "ca_file": str(ca_file), **files})

    async with server:
        yield settings


@pytest.mark.parametrize("own", [True, False])
async def test_only_the_broker_itself_confirms(
    answered: Callable[..., Settings], tmp_path: Path, *, own: bool
) -> None:
    await work.reaching(answered(tmp_path / "ca.crt", own=own), knows_time=True)()
    (tmp_path / "portal").mkdir()
    portal = answered(Authority(tmp_path / "portal").file, own=own)
    with pytest.raises(ssl.SSLCertVerificationError):
        await work.reaching(portal, knows_time=False)()
