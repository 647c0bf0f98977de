import os
import subprocess
import sys
from pathlib import Path

import pytest

from edged.store.errors import StateInUse
from edged.store.state_dir import claim

HOLDER = """
import sys, pathlib
from edged.store.state_dir import claim
with claim(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.threat("D10")
def test_a_new_state_directory_is_private(tmp_path: Path) -> None:
    with claim(tmp_path / "a" / "state") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "lock").read_text() == str(os.getpid())


def test_a_second_daemon_is_told_who_is_there_until_that_one_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StateInUse) as refused, claim(tmp_path):
            pass
        assert refused.value.pid == holder.pid
        assert str(refused.value) == f"{tmp_path} is in use by process {holder.pid}"
        holder.kill()
    with claim(tmp_path):
        pass


def test_it_can_be_claimed_again_by_the_same_process(tmp_path: Path) -> None:
    for _ in range(2):
        with claim(tmp_path), pytest.raises(StateInUse), claim(tmp_path):
            pass


def test_nobody_writes_into_another_users_state_not_even_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What root left there the daemon could not read, and it would not start any more."""
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="runuser -u"), claim(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
