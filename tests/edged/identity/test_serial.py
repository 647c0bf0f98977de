from pathlib import Path

import pytest

from edged.identity.serial import serial


def machine(root: Path, board: bytes | None, known: bytes | None) -> Path:
    for name, data in (("proc/device-tree/serial-number", board), ("etc/machine-id", known)):
        if data is not None:
            (root / name).parent.mkdir(parents=True)
            (root / name).write_bytes(data)
    return root


def test_a_board_has_its_own(tmp_path: Path) -> None:
    assert serial(machine(tmp_path, b"10000000a1b2c3d4\0", b"f" * 32)) == "10000000a1b2c3d4"


@pytest.mark.parametrize("board", [None, b"", b"a/b\0", b"\xff\0", b"a" * 65])
def test_another_machine_is_known_by_its_id_which_is_not_shown(
    tmp_path: Path, board: bytes | None
) -> None:
    found = serial(machine(tmp_path, board, b"0123456789abcdef0123456789abcdef\n"))
    assert found.startswith("machine:")
    assert len(found) == len("machine:") + 32
    assert "0123456789abcdef" not in found


def test_a_machine_without_either_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="machine-id"):
        serial(tmp_path)
