"""Files that are written whole (edged.cloud.files)."""

import os
from pathlib import Path

import pytest

from edged.cloud.files import write_whole

SOMEBODY = 12_345


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave what others can't read")
def test_what_root_writes_belongs_to_whose_folder_it_is(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, SOMEBODY, SOMEBODY)
    write_whole(state / "cloud" / "a" / "key.pem", b"x")
    for made in (state / "cloud", state / "cloud" / "a", state / "cloud" / "a" / "key.pem"):
        assert (made.stat().st_uid, made.stat().st_gid) == (SOMEBODY, SOMEBODY)
