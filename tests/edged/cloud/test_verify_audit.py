"""The stand-alone verifier, against everything that can be done to a log of 1,000 records."""

import ast
import hashlib
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edged.cloud import verify_audit
from edged.cloud.verify_audit import Fault, Verified, verify
from tests.edged.cloud.chain import CLOUD, KEY, checkpoint, envelope, records, signed, spell

COUNT = 1_000
CHANGES = 2_500
MADE = records(COUNT)
LINES = list(signed(MADE, every=200))
HEAD = hashlib.sha256(MADE[-1]).hexdigest()
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x22" * 32)
Lines = list[bytes]


def is_caught(lines: Lines) -> bool:
    """Whether the verifier says no, or at least that the end is open."""
    try:
        found = verify(lines, [KEY], [LINES[-1]])
    except Fault:
        return True
    return found.signed != found.last


def test_an_untouched_log_verifies() -> None:
    assert verify(LINES, [KEY]) == Verified(1, COUNT, HEAD, COUNT)
    assert verify(LINES, [OTHER.public_key().public_bytes_raw(), KEY]).signed == COUNT
    assert verify([], [KEY]) == Verified(0, 0, "00" * 32, 0)


def test_a_log_in_the_order_of_batches_verifies() -> None:
    swapped = [checkpoint(COUNT, HEAD) + b"\n", *(record + b"\n" for record in MADE)]
    assert verify(swapped, [KEY]).signed == COUNT


def deleted() -> Iterator[Lines]:
    for at in range(len(LINES)):
        yield LINES[:at] + LINES[at + 1 :]


def truncated() -> Iterator[Lines]:
    for at in range(len(LINES) - 1):
        yield LINES[:at]


def beheaded() -> Iterator[Lines]:
    for at in range(1, len(LINES) - 1):
        if b'"payload"' not in LINES[at]:  # there it may begin
            yield LINES[at:]


def inserted() -> Iterator[Lines]:
    for at, prev in enumerate(["00" * 32, *(hashlib.sha256(one).hexdigest() for one in MADE)]):
        forged = spell({"kind": "forged", "seq": at + 1, "prev": prev})
        yield [*(one + b"\n" for one in MADE[:at]), forged + b"\n", *LINES[at:]]


def rewritten() -> Iterator[Lines]:
    """All that follows a changed record is made anew, with hashes that fit."""
    for at in range(0, COUNT, 10):
        prev = hashlib.sha256(MADE[at - 1]).hexdigest() if at else "00" * 32
        forged = spell({"kind": "forged", "seq": at + 1, "prev": prev})
        rest = records(COUNT - at - 1, at + 2, hashlib.sha256(forged).hexdigest())
        marks = [line for line in LINES if b'"payload"' in line]
        yield [*(one + b"\n" for one in (*MADE[:at], forged, *rest)), *marks]


def edited() -> Iterator[Lines]:
    """One byte of each record, at any place of it."""
    chance = random.Random(20)
    for at, line in enumerate(LINES):
        if b'"payload"' not in line:
            yield [*LINES[:at], with_another_byte(line, chance), *LINES[at + 1 :]]


def swapped() -> Iterator[Lines]:
    for at, (one, next_one) in enumerate(pairwise(LINES)):
        if b'"payload"' not in one + next_one:  # a checkpoint may stand before its record
            yield [*LINES[:at], next_one, one, *LINES[at + 2 :]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "done", [deleted, truncated, beheaded, inserted, rewritten, edited, swapped]
)
def test_every_single_change_shows(
    done: Callable[[], Iterator[Lines]], record_property: Callable[[str, object], None]
) -> None:
    caught = [is_caught(lines) for lines in done()]
    missed = [number for number, one in enumerate(caught) if not one]
    # without a checkpoint all that it proves is proved by the last one, which is kept elsewhere
    marks = [number for number, line in enumerate(LINES) if b'"payload"' in line]
    assert missed == (marks if done is deleted else [])
    record_property("single", len(caught) - len(missed))


def with_another_byte(line: bytes, chance: random.Random) -> bytes:
    """Change a byte, but not what ends the line."""
    made = bytearray(line)
    made[chance.randrange(len(made) - 1)] ^= chance.randrange(1, 256)
    return bytes(made)


def changed(lines: Lines, chance: random.Random) -> Lines:
    """Do one to three random things to a log."""
    made = list(lines)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at, other = sorted(chance.sample(range(len(made)), 2))
        match chance.randrange(6):
            case 0:
                made[at] = with_another_byte(made[at], chance)
            case 1:
                made[at], made[other] = made[other], made[at]
            case 2:
                del made[at:other]
            case 3:
                made.insert(at, made[other])
            case 4:
                del made[other:]
            case _:
                made[at] = made[at].replace(b'"member":"M', b'"member":"N')
    return made


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_random_changes_show(seed: int, record_property: Callable[[str, object], None]) -> None:
    chance, missed, done = random.Random(seed), 0, 0
    records_of = [line for line in LINES if b'"payload"' not in line]
    while done < CHANGES:
        lines = changed(LINES, chance)
        if [line for line in lines if b'"payload"' not in line] == records_of:
            continue  # only checkpoints moved or went, or nothing at all: no record is another
        done += 1
        missed += not is_caught(lines)
    assert missed == 0
    record_property("random", done)


def test_it_may_begin_at_a_signed_checkpoint_only() -> None:
    mark = checkpoint(200, hashlib.sha256(MADE[199]).hexdigest()) + b"\n"
    rest = [line for line in LINES if line not in set(LINES[:201])]
    assert verify([mark, *rest], [KEY]).first == 201
    with pytest.raises(Fault, match="begins at record 201, and nobody signed"):
        verify(rest, [KEY])


def test_a_checkpoint_kept_elsewhere_shows_a_cut_at_another() -> None:
    cut = LINES[:201]
    assert verify(cut, [KEY]).signed == 200
    with pytest.raises(Fault, match="record 1000 was signed for, and the end is record 200"):
        verify(cut, [KEY], [LINES[-1]])


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        (checkpoint(3, hashlib.sha256(MADE[2]).hexdigest(), OTHER), "none of the keys"),
        (checkpoint(3, "ab" * 32), "record 3 is not the one that was signed for"),
        (checkpoint(3, hashlib.sha256(MADE[2]).hexdigest(), device="S2"), "several devices"),
        (checkpoint(3, "ab" * 32, more=1), "no envelope of a checkpoint"),
        (envelope([]), "no envelope"),
        (b'{"payload', "no envelope"),
        (checkpoint(3, "ab" * 32).replace(b"checkpoint", b"manifestos"), "no envelope of a check"),
    ],
)
def test_a_checkpoint_that_is_none_is_named(mark: bytes, why: str) -> None:
    with pytest.raises(Fault, match=why):
        verify([*LINES, mark + b"\n"], [KEY])


def test_two_checkpoints_of_one_number_are_a_fork() -> None:
    marks = [checkpoint(7, head * 32) + b"\n" for head in ("ab", "cd")]
    with pytest.raises(Fault, match="two checkpoints name different records 7"):
        verify(marks, [KEY])


def test_it_stands_alone() -> None:
    """One file, the standard library and `cryptography`."""
    path = Path(verify_audit.__file__)
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    path = tmp_path / "audit.lines"
    path.write_bytes(b"".join(LINES))
    return path


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a copy of the file, in a folder where nothing of ours is."""
    copy = folder / "verify_audit.py"
    copy.write_bytes(Path(verify_audit.__file__).read_bytes())
    command = [sys.executable, "-I", copy, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_as_a_program(audit: Path, tmp_path: Path) -> None:
    done = run(tmp_path, audit, "--key", KEY.hex())
    assert (done.returncode, done.stdout) == (
        0,
        f"records 1 to 1000 are in their place; the last is {HEAD}\n",
    )
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        CLOUD.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert run(tmp_path, audit, "--key", pem).returncode == 0
    assert run(tmp_path, audit, "--key", "no key").returncode == 2


def test_as_a_program_on_what_is_wrong(
    audit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.write_bytes(b"".join(LINES[:201]) + MADE[200] + b"\n")
    assert verify_audit.main([str(audit), "--key", KEY.hex()]) == 3
    assert "OPEN END: nobody signed for the last 1 of them" in capsys.readouterr().out
    mark = tmp_path / "mark"
    mark.write_bytes(LINES[-1])
    assert verify_audit.main([str(audit), "--key", KEY.hex(), "--reach", str(mark)]) == 1
    audit.write_bytes(b"".join(LINES[1:]))
    assert verify_audit.main([str(audit), "--key", KEY.hex()]) == 1
    out = capsys.readouterr().out
    assert "BROKEN: it begins at record 2, and nobody signed for that\n" in out
