"""A broker that lies makes the device do nothing; and where the link has a hole, it is found."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud_link import commands, shapes, verify
from cloud_link.envelope import Envelope
from cloud_link.ports import Answer
from cloud_link.voice import Nonces
from cloud_link.wire import Command
from hil.byzantine import campaign
from hil.byzantine.campaign import Outcome
from hil.byzantine.house import House
from hil.byzantine.tenant import made_key, public
from tests.cloud_link.brokers import LEAVES_SOCKETS

pytestmark = LEAVES_SOCKETS


def complaints(outcomes: list[Outcome]) -> dict[int, list[str]]:
    return {outcome.seed: outcome.broken for outcome in outcomes if outcome.broken}


@pytest.mark.fault("broker-lies")
@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 1_000, 2_000, 3_000])
async def test_a_broker_that_lies_changes_nothing(tmp_path: Path, first: int) -> None:
    outcomes = await campaign.play(range(first, first + 25), tmp_path)
    assert complaints(outcomes) == {}
    assert sum(outcome.lies.total() for outcome in outcomes) > 200
    assert sum(outcome.rejects for outcome in outcomes) > 100
    assert sum(outcome.done for outcome in outcomes) > 20


def believe_anyone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Envelope, "signers", lambda _, keys: frozenset(keys))


def believe_every_role(patch: pytest.MonkeyPatch) -> None:
    keys = [public(made_key(f"acme {role}")) for role in ("rules", "commands", "acks", "time")]
    right = Envelope.signers
    patch.setattr(Envelope, "signers", lambda self, named: right(self, {*named, *keys}))


def hear_what_is_for_others(patch: pytest.MonkeyPatch) -> None:
    read = shapes.read

    def readdressed(shape: type[verify.Said], data: bytes) -> verify.Said:
        return read(shape, data).model_copy(update={"tenant": "acme", "device": "gate-1"})

    patch.setattr(verify, "read", readdressed)


def let_time_pass(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commands, "untimely", lambda *_, **__: None)
    patch.setattr(commands, "life_ms", lambda *_: 3_600_000)


def wait_after_judging(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(commands, "life_ms", lambda *_: 3_600_000)
    act = House.command

    async def late(house: House, command: Command, **judged: Any) -> Answer:
        now = house._now
        house._now = lambda: now() + timedelta(seconds=11)
        try:
            return await act(house, command, **judged)
        finally:
            house._now = now

    patch.setattr(House, "command", late)


def believe_any_pulse(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Nonces, "age_ms", lambda *_: 1)


HOLES = [
    believe_anyone,
    believe_every_role,
    hear_what_is_for_others,
    let_time_pass,
    wait_after_judging,
    believe_any_pulse,
]


@pytest.mark.slow
@pytest.mark.parametrize("hole", HOLES)
async def test_a_hole_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hole: Callable[[pytest.MonkeyPatch], None]
) -> None:
    monkeypatch.setattr(campaign, "PATIENCE_S", 1)
    hole(monkeypatch)
    for seed in range(40):
        folder = tmp_path / str(seed)
        folder.mkdir()
        (outcome,) = await campaign.play(range(seed, seed + 1), folder)
        if any(not words.startswith("never came right") for words in outcome.broken):
            return
    pytest.fail("nobody noticed")
