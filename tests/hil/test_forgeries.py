"""Forged codes, none of which is accepted; the campaign's small size."""

import json
import random
from types import ModuleType

import pytest

from edged.credentials import base45, proof, rotating
from edged.credentials.claims import CLAIMS
from edged.credentials.read import Refused
from hil.forgeries import __main__ as campaign
from hil.forgeries.forger import OF_SIGNATURES, WAYS
from hil.forgeries.wallet import wallet

SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_forged_code_is_accepted(seed: int) -> None:
    told, accepted = campaign.forge(seed, 2_000)
    assert (accepted, told.total()) == ([], 2_000)
    tried = {tuple(name.split()[:2]) for name in told}
    kinds = {claims.kind.value for claims in CLAIMS}
    pairs = {(way, kind) for way in WAYS for kind in kinds}
    assert tried == {one for one in pairs if not (one[0] in OF_SIGNATURES and one[1] == "R1")}


def test_every_good_code_is_accepted() -> None:
    held = wallet(random.Random(7))
    answers = [campaign.ask(held, code) for code in held.codes]
    assert not any(isinstance(answer, Refused) for answer in answers)
    assert {answer.kind for answer in answers} == {claims.kind for claims in CLAIMS}


@pytest.mark.parametrize(("where", "check"), [(proof, "is_signed"), (rotating, "is_made")])
def test_a_check_that_is_missing_is_noticed(
    monkeypatch: pytest.MonkeyPatch, where: ModuleType, check: str
) -> None:
    """What says that nothing is accepted has to be able to say otherwise."""
    monkeypatch.setattr(where, check, lambda *_: True)
    _, accepted = campaign.forge(1, 500)
    assert accepted


def test_a_second_spelling_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def lenient(text: bytes) -> bytes | None:
        """As some libraries read: a group that is too large for its bytes loses what is above."""
        digits = [base45.ALPHABET.find(one) for one in text]
        groups = zip(*(digits[at::3] for at in range(3)), strict=False)
        numbers = [(low + 45 * middle + 2_025 * high) % 2**16 for low, middle, high in groups]
        last = bytes([(digits[-2] + 45 * digits[-1]) % 256]) if len(text) % 3 == 2 else b""
        return b"".join(number.to_bytes(2) for number in numbers) + last

    monkeypatch.setattr(base45, "decode", lenient)
    _, accepted = campaign.forge(1, 2_000)
    assert {text.split(":")[0] for text in accepted} >= {"respelled"}


def test_the_command_says_what_it_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["forgeries", "--codes", "50", "--seed", "5"])
    assert campaign.main() == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["seed"], said["forged"], said["accepted"]) == (5, 50, 0)
    assert sum(said["reason"].values()) == 50
