import random
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hil.crash import failing, forked
from hil.crash.campaign import Sum, run
from hil.crash.failing import Fault, suffer
from hil.crash.images import Disk, torn
from hil.crash.subjects import SUBJECTS, Subject
from hil.crash.trace import Remove, Sync, Truncate, Write

DB = "/x/journal.db"


def last(images: int, *, seed: int = 7, lying: bool = False, normal: bool = False) -> Sum:
    return [*run(images, seed, lying=lying, normal=normal)][-1]


@pytest.mark.slow
def test_a_power_cut_loses_nothing_that_was_told_stored() -> None:
    found = last(150)
    assert (found.images, found.wrong, found.lost, found.flagged) == (150, 0, 0, 0), found.examples


@pytest.mark.slow
def test_a_disk_that_lies_is_noticed_or_has_lost_its_end_only() -> None:
    found = last(100, seed=14, lying=True)  # of this run a third is refused
    assert found.wrong == 0, found.examples
    assert found.flagged > 0
    assert found.images_with_losses > found.flagged / 2


@pytest.mark.slow
def test_synchronous_normal_is_caught() -> None:
    assert last(60, normal=True).wrong > 10


def test_what_was_synced_is_there_whatever_comes_after() -> None:
    disk, dice = Disk(), random.Random(1)
    for op in (Write(DB, 0, b"a" * 4_096), Sync(DB), Write(DB, 0, b"b" * 4_096), Truncate(DB, 10)):
        disk.do(op)
    left = {disk.cut(dice, None)[DB] for _ in range(200)}
    assert b"a" * 4_096 in left
    assert b"b" * 10 in left
    assert any(0 < image.count(b"b") < 4_096 and len(image) == 4_096 for image in left)  # torn
    assert all(set(image) <= set(b"ab") for image in left)


def test_a_file_without_a_sync_may_be_missing_and_a_removed_one_stays_so_after_the_next() -> None:
    disk, dice = Disk(), random.Random(1)
    disk.do(Write(f"{DB}-wal", 0, b"w"))
    assert {frozenset(disk.cut(dice, None)) for _ in range(50)} == {
        frozenset(),
        frozenset({f"{DB}-wal"}),
    }
    disk.do(Remove(f"{DB}-wal"))
    disk.do(Sync(DB))
    assert all(f"{DB}-wal" not in disk.cut(dice, None) for _ in range(50))


def test_a_write_is_torn_at_sectors() -> None:
    pieces = torn(Write(DB, 100, bytes(range(256)) * 8), random.Random(3))
    assert pieces
    for piece in pieces:
        assert isinstance(piece, Write)
        assert piece.offset == 100 or piece.offset % 512 == 0


JOURNAL, RULES, IDENTITY = (SUBJECTS[name] for name in ("journal", "rules", "identity"))


@pytest.mark.fault("disk-fails", "disk-full")
@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        (JOURNAL, Fault("openat", "EIO", 3, lasting=False)),
        (JOURNAL, Fault("pwrite64", "EIO", 60, lasting=False)),
        (JOURNAL, Fault("pwrite64", "ENOSPC", 70, lasting=True)),
        (JOURNAL, Fault("fdatasync", "EIO", 12, lasting=True)),
        (RULES, Fault("openat", "EIO", 47, lasting=False)),  # the trial, as it is read
        (RULES, Fault("readlink", "EIO", 9, lasting=True)),
        (RULES, Fault("pwrite64", "ENOSPC", 20, lasting=False)),
        (RULES, Fault("fsync", "EIO", 15, lasting=False)),
        (IDENTITY, Fault("rename", "EIO", 9, lasting=False)),
        (IDENTITY, Fault("write", "ENOSPC", 7, lasting=True)),
        (IDENTITY, Fault("unlinkat", "EIO", 2, lasting=False)),
        (IDENTITY, Fault("read", "EIO", 20, lasting=True)),
    ],
    ids=lambda one: one.rule if isinstance(one, Fault) else one.worker,
)
def test_a_call_that_fails_loses_nothing_that_was_told(subject: Subject, fault: Fault) -> None:
    came = suffer(fault, subject)
    assert came.violation == ""
    assert came.failures > 0


def test_there_is_a_last_call() -> None:
    came = suffer(Fault("fsync", "EIO", 100, lasting=False))
    assert (came.failures, came.ended, came.violation) == (0, True, "")


@pytest.mark.parametrize(
    ("subject", "worker", "fault"),
    [
        (RULES, "tests.hil.careless_rules", Fault("symlink", "EIO", 2, lasting=False)),
        (IDENTITY, "tests.hil.careless_identity", Fault("write", "EIO", 5, lasting=False)),
    ],
    ids=["rules", "identity"],
)
def test_what_is_written_carelessly_is_caught(subject: Subject, worker: str, fault: Fault) -> None:
    assert suffer(fault, subject).violation == ""
    assert suffer(fault, replace(subject, worker=worker)).violation != ""


@pytest.mark.parametrize(
    ("said", "err", "wrong"),
    [
        ("stored 12\n", "", ""),
        ("stored 4\nstored 13\n", "", "13 were told stored, 12 are there"),
        ("WRONG: it is\nstored 12\n", "", "WRONG"),
        ("stored 3\n", "Traceback", "Traceback"),
    ],
)
def test_what_must_not_be_is_seen(tmp_path: Path, said: str, err: str, wrong: str) -> None:
    assert forked.run(JOURNAL.worker, tmp_path, "").returncode == 0
    done = subprocess.CompletedProcess([], 0, said, err)
    found = failing._wrong(JOURNAL, tmp_path, done)
    assert (wrong in found) if wrong else not found
