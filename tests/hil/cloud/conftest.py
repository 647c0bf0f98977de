"""A cloud for each test that asks for one: its books on both databases, or all of it running."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hil.chain.broker import Ejabberd, Mosquitto, ejabberd
from hil.chain.device import Device
from tests.hil.cloud.postgres import Postgres
from tests.hil.cloud.world import Office, World


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with TemporaryDirectory(prefix="edged-pg-") as folder:  # pytest's own are closed to others
        found = Postgres(Path(folder))
        yield found
        found.stop()


@pytest.fixture
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    url = "sqlite:///cloud.db"
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("postgres").fresh()
    office = Office(tmp_path / "cloud", url)
    office.begin()
    yield office
    office.close()


@pytest.fixture
def device(office: Office) -> Device:
    return office.enter("d1")


@pytest.fixture(params=[Mosquitto, Ejabberd])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param is Ejabberd:
        try:
            ejabberd()
        except FileNotFoundError as error:
            pytest.skip(f"{error}: apt-get install --no-install-recommends ejabberd")
    async with World(tmp_path, brand=request.param) as world:
        yield world
