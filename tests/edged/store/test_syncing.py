"""Large files come to the disk in pieces, whole, and not at once."""

import ctypes
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from edged.store import limits, syncing


class Kernel:
    """Hears what it is asked to write; a piece takes it 5 s."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.rests: list[float] = []
        self.pieces: list[tuple[int, int]] = []
        self.synced_behind: list[int] = []

    def sync_file_range(
        self, _: int, begin: ctypes.c_int64, size: ctypes.c_int64, flags: ctypes.c_uint
    ) -> int:
        assert flags.value == 7
        self.pieces.append((begin.value, size.value))
        self.now_s += 5
        return -1

    def monotonic(self) -> float:
        return self.now_s

    def fsync(self, _: int) -> None:
        self.synced_behind.append(len(self.pieces))


def test_a_large_file_is_synced_a_piece_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel, file = Kernel(), tmp_path / "rules"
    file.write_bytes(bytes(3 * limits.SYNC_PIECE + 1))
    monkeypatch.setattr(syncing, "_LIBC", kernel)
    monkeypatch.setattr(os, "fsync", kernel.fsync)
    monkeypatch.setattr(syncing, "time", SimpleNamespace(monotonic=kernel.monotonic))
    monkeypatch.setattr(syncing, "_rest", kernel.rests.append)
    syncing.sync_file(file)
    assert kernel.pieces == [(n * limits.SYNC_PIECE, limits.SYNC_PIECE) for n in range(4)]
    assert kernel.synced_behind == [4]
    assert kernel.rests == [5 * limits.SYNC_REST] * 4


def test_the_kernel_takes_the_pieces(tmp_path: Path) -> None:
    file = tmp_path / "rules"
    file.write_bytes(os.urandom(2 * limits.SYNC_PIECE))
    with file.open("rb") as opened:
        number, piece = opened.fileno(), ctypes.c_int64(limits.SYNC_PIECE)
        done = syncing._LIBC.sync_file_range(number, ctypes.c_int64(0), piece, ctypes.c_uint(7))
    assert done == 0


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        syncing.sync_file(tmp_path / "rules")
