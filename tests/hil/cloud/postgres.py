"""A PostgreSQL of one's own in a folder, at a Unix socket."""

import shutil
import subprocess
from pathlib import Path

import pytest

USER = "postgres"  # the server refuses to be root's


class Postgres:
    """One cluster, for all tests that want one; a database for each."""

    def __init__(self, folder: Path) -> None:
        self._bin = binaries()
        self._data, self._count = folder / "data", 0
        shutil.chown(folder, USER)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", USER)
        options = f"-k {folder} -c listen_addresses=''"
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-w", "-l", "/dev/null", "start")
        self.folder = folder

    def fresh(self) -> str:
        """The URL of an empty database."""
        self._count += 1
        name = f"cloud{self._count}"
        self._run("createdb", "-h", str(self.folder), "-U", USER, name)
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            ["runuser", "-u", USER, "--", self._bin / program, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr


def binaries() -> Path:
    """Where the server's programs are; skips the test where they are not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1]
