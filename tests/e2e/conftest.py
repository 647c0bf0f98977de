"""The built wheel, installed apart from the checkout, beside a virtual building."""

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hil.chain.town import Town, town
from hil.site.site import Site
from tests.e2e.scene import PATIENT, PROGRAM, wheel_site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel once for all test processes and install it into a folder of its own."""
    run = tmp_path_factory.getbasetemp()
    shared = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "edged-wheel"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "edged").exists():
            _run("-m", "build", "--wheel", "--no-isolation", "--outdir", shared / "dist", ROOT)
            wheel = next((shared / "dist").glob("*.whl"))
            _run("-m", "pip", "install", "--quiet", "--no-deps", "--target", shared, wheel)
            (shared / PROGRAM).write_text(PATIENT)
    return shared


def _run(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: Unix sockets live in it."""
    with tempfile.TemporaryDirectory(prefix="edged-") as made:
        yield Path(made)


@pytest.fixture
def site(installed: Path, folder: Path) -> Site:
    """A site whose daemon is the wheel; not up yet."""
    return wheel_site(installed, folder)


@pytest.fixture
async def there(folder: Path) -> AsyncIterator[Town]:
    async with town(folder / "town") as made:
        yield made


@pytest.fixture
def boxed(installed: Path, folder: Path, there: Town) -> Site:
    """A site whose device has never met its cloud."""
    site = wheel_site(installed, folder / "site")
    site.settings["cloud"] = there.settings
    site.write()
    return site
