"""What holds for every test is seen to hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.house import ROOT


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("await asyncio.sleep(0)", "1 passed"),
        ("asyncio.create_task(asyncio.sleep(9), name='lost')", "left running: {'lost: "),
        ("socket.create_connection(('192.0.2.1', 9), 1)", "SocketConnectBlockedError"),
    ],
)
def test_a_test_may(tmp_path: Path, body: str, said: str) -> None:
    test = f"import asyncio, socket\nasync def test_it():\n    {body}\n"
    (tmp_path / "test_it.py").write_text(test)
    for name in ("pyproject.toml", "tests/conftest.py"):
        (tmp_path / Path(name).name).write_text((ROOT / name).read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout
    assert (done.returncode == 0) == (said == "1 passed")
