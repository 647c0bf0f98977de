import asyncio
from contextlib import suppress

import pytest

from cloud_link.claim import BadClaim, claim_key
from drivers.api import Scan
from edged.identity.shown import ShownClaims
from tests.edged.fakes import settle

CODE = "0123-4567-89AB-CDEF-GHJK"
CLAIM = Scan(f"EDGED-CLAIM:{CODE}".encode())


async def test_a_claim_that_is_waited_for_goes_no_further() -> None:
    claims, seen = ShownClaims(), list[Scan]()
    report = claims.before(seen.append)
    report(CLAIM)
    assert seen == [CLAIM], "nobody waits"
    waiting = asyncio.ensure_future(claims.take())
    await settle()
    others = [Scan(b"M1.x"), Scan(b"EDGED-CLAIM:typo"), Scan(b"EDGED-CLAIM:\xff"), Scan(b"")]
    for other in others:
        report(other)
    assert seen == [CLAIM, *others]
    report(CLAIM)
    report(CLAIM)
    assert await waiting == claim_key(CODE)
    assert seen == [CLAIM, *others, CLAIM], "it is taken once"


@pytest.mark.parametrize("again", [False, True])
async def test_who_waits_no_more_takes_nothing(*, again: bool) -> None:
    claims, seen = ShownClaims(), list[Scan]()
    waiting = asyncio.ensure_future(claims.take())
    await settle()
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    if again:
        waiting = asyncio.ensure_future(claims.take())
        await settle()
    claims.before(seen.append)(CLAIM)
    assert (seen == []) is again
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_claim_that_is_typed_is_taken_while_one_is_waited_for() -> None:
    claims = ShownClaims()
    assert (claims.waited_for, claims.give(CODE)) == (False, False)
    waiting = asyncio.ensure_future(claims.take())
    await settle()
    with pytest.raises(BadClaim):
        claims.give("typo")
    assert claims.waited_for
    assert (claims.give(CODE.lower()), claims.give(CODE)) == (True, False)
    assert await waiting == claim_key(CODE)
