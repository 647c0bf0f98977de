from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_link.enrol import (
    Aged,
    Certified,
    Claimed,
    Event,
    Identity,
    KeyMade,
    Made,
    Phase,
    Proven,
    Retired,
    Slot,
    Work,
    connects,
    due,
    leftovers,
    renewal_at,
    step,
)

ONE, TWO = "1" * 32, "2" * 32
CLAIM = bytes(32)
FACTORY = Identity()
CLAIMED = Identity(Phase.CLAIMED, None, Slot.A, Made.NOTHING, ONE, CLAIM)
KEYED = replace(CLAIMED, phase=Phase.ENROLLING, made=Made.KEY)
CERTIFIED = replace(KEYED, made=Made.CERTIFICATE)
ACTIVE = Identity(Phase.ACTIVE, Slot.A)
AGED = Identity(Phase.RENEWING, Slot.A, Slot.B, Made.NOTHING, TWO)
NEXT_KEY = replace(AGED, made=Made.KEY)
NEXT = replace(AGED, made=Made.CERTIFICATE)
RETIRED = Identity(Phase.RETIRED)
AGAIN = Identity(Phase.CLAIMED, Slot.A, Slot.B, Made.NOTHING, TWO, CLAIM)


@pytest.mark.threat("G1")
@pytest.mark.parametrize(
    ("before", "event", "then", "work"),
    [
        pytest.param(FACTORY, Claimed(ONE, CLAIM), CLAIMED, Work.MAKE_KEY, id="claimed"),
        pytest.param(CLAIMED, KeyMade(), KEYED, Work.ASK, id="a key"),
        pytest.param(KEYED, Certified(ONE), CERTIFIED, Work.PROVE, id="a certificate"),
        pytest.param(CERTIFIED, Proven(Slot.A), ACTIVE, Work.REST, id="proven"),
        pytest.param(ACTIVE, Aged(TWO), AGED, Work.MAKE_KEY, id="aged"),
        pytest.param(AGED, KeyMade(), NEXT_KEY, Work.ASK, id="the next key"),
        pytest.param(NEXT_KEY, Certified(TWO), NEXT, Work.PROVE, id="the next certificate"),
        pytest.param(
            NEXT, Proven(Slot.B), Identity(Phase.ACTIVE, Slot.B), Work.REST, id="in its place"
        ),
        pytest.param(ACTIVE, Claimed(TWO, CLAIM), AGAIN, Work.MAKE_KEY, id="claimed anew"),
        pytest.param(NEXT, Claimed(TWO, CLAIM), AGAIN, Work.MAKE_KEY, id="claimed over a renewal"),
        pytest.param(RETIRED, Claimed(ONE, CLAIM), CLAIMED, Work.MAKE_KEY, id="a second life"),
        pytest.param(ACTIVE, Retired(), RETIRED, Work.ERASE, id="given up"),
        pytest.param(NEXT_KEY, Retired(), RETIRED, Work.ERASE, id="given up meanwhile"),
        pytest.param(KEYED, Certified(TWO), KEYED, Work.ASK, id="of another exchange"),
        pytest.param(CERTIFIED, Certified(ONE), CERTIFIED, Work.PROVE, id="a second answer"),
        pytest.param(NEXT, Proven(Slot.A), NEXT, Work.PROVE, id="a pulse over the old slot"),
        pytest.param(ACTIVE, Proven(Slot.A), ACTIVE, Work.REST, id="a pulse"),
        pytest.param(ACTIVE, KeyMade(), ACTIVE, Work.REST, id="no key is due"),
        pytest.param(FACTORY, Aged(ONE), FACTORY, Work.REST, id="nothing that ages"),
        pytest.param(KEYED, Aged(TWO), KEYED, Work.ASK, id="under way already"),
        pytest.param(RETIRED, Proven(Slot.A), RETIRED, Work.ERASE, id="too late"),
    ],
)
def test_steps(before: Identity, event: Event, then: Identity, work: Work) -> None:
    assert step(before, event) == then
    assert due(then) is work
    repeated = event if not isinstance(event, Claimed) else Proven(Slot.A)
    assert step(then, repeated) == then


events = st.one_of(
    st.builds(Claimed, st.sampled_from([ONE, TWO]), st.just(CLAIM)),
    st.builds(Aged, st.sampled_from([ONE, TWO])),
    st.just(KeyMade()),
    st.builds(Certified, st.sampled_from([ONE, TWO])),
    st.builds(Proven, st.sampled_from(Slot)),
)


@pytest.mark.threat("G1", "G4")
@given(st.lists(events, max_size=40))
def test_what_connects_is_never_filled_and_goes_for_what_is_proven_only(
    story: list[Event],
) -> None:
    identity = FACTORY
    for event in story:
        before, identity = identity, step(identity, event)
        assert identity.pending is None or identity.pending is not identity.current
        if identity.current is not before.current:
            assert event == Proven(identity.current or Slot.A)
            assert (before.pending, before.made) == (identity.current, Made.CERTIFICATE)
        assert before.current is None or identity.current is not None
        assert not leftovers(identity) & {identity.current, identity.pending}
        assert (identity.claim is not None) <= (due(identity) is not Work.REST)


@pytest.mark.parametrize(
    ("identity", "slots"),
    [
        pytest.param(FACTORY, [None, None], id="nobody"),
        pytest.param(KEYED, [None, None], id="no certificate yet"),
        pytest.param(CERTIFIED, [Slot.A, Slot.A], id="the only one"),
        pytest.param(ACTIVE, [Slot.A, Slot.A], id="the one"),
        pytest.param(NEXT_KEY, [Slot.A, Slot.A], id="the old one meanwhile"),
        pytest.param(NEXT, [Slot.B, Slot.A], id="by turns"),
    ],
)
def test_slots_that_connect(identity: Identity, slots: list[Slot | None]) -> None:
    assert [connects(identity, lost) for lost in (0, 1)] == slots


@given(st.binary(min_size=1, max_size=64), st.integers(1, 3650))
def test_a_certificate_is_renewed_before_two_thirds_of_its_life(data: bytes, days: int) -> None:
    begins = datetime(2026, 11, 1, tzinfo=UTC)
    life = timedelta(days=days)
    at = renewal_at(begins, begins + life, data)
    assert life * 0.6 <= at - begins <= life * 2 / 3
    assert at == renewal_at(begins, begins + life, data)


def test_a_claim_is_not_shown() -> None:
    secret = bytes(range(32))
    shown = repr((step(FACTORY, Claimed(ONE, secret)), Claimed(ONE, secret)))
    assert repr(secret) not in shown
