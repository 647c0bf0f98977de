"""What the console asks of the identity."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from cloud_link.claim import BadClaim, claim_key
from edged.control.client import ControlRefused
from edged.identity.desk import ProvisionDesk
from edged.identity.shown import ShownClaims
from tests.edged.fakes import settle
from tests.edged.rig import Rig
from tests.edged.test_wiring import settings

CODE = "0123-4567-89AB-CDEF-GHJK"


async def link() -> Mapping[str, object]:
    return {"connected": False, "why": "enrolment: waiting, not adopted yet"}


async def test_a_claim_is_handed_over_once_and_stands_in_no_record(
    rig: Rig, tmp_path: Path
) -> None:
    claims = ShownClaims()
    desk = ProvisionDesk(settings(tmp_path), rig.ports, claims, link)
    order = {"do": "claim", "by": "kim", "claim": CODE}
    assert await desk.order({"order": order}) == {"result": "NOT_WAITING"}
    waiting = asyncio.ensure_future(claims.take())
    await settle()
    with pytest.raises(BadClaim) as bad:
        await desk.order({"order": {**order, "claim": "0123-TYPO"}})
    assert "TYPO" not in str(bad.value)
    assert (await desk.order({"order": {"do": "look"}}))["waiting"] is True
    assert await desk.order({"order": order}) == {"result": "OK"}
    assert await waiting == claim_key(CODE)
    await rig.written()
    told = [(one["verb"], one["by"], one["result"]) for one in rig.records("command")]
    assert told == [("provision", "kim", "NOT_WAITING"), ("provision", "kim", "OK")]
    assert CODE not in str(rig.records())


async def test_it_says_who_the_device_is_and_how_the_link_stands(rig: Rig, tmp_path: Path) -> None:
    for cloud in (link, None):
        desk = ProvisionDesk(settings(tmp_path), rig.ports, ShownClaims(), cloud)
        found = await desk.order({"order": {"do": "look"}})
        identity = found["identity"]
        assert isinstance(identity, Mapping)
        assert (identity["device"], identity["phase"]) == ("S1", "FACTORY")
        assert found["waiting"] is False
        assert found["link"] == (None if cloud is None else await link())


@pytest.mark.parametrize(
    "order", [{"do": "claim", "by": "kim"}, {"do": "claim", "by": "kim", "claim": "x" * 65}, {}]
)
async def test_what_is_no_order_is_refused_and_not_repeated(
    rig: Rig, tmp_path: Path, order: object
) -> None:
    desk = ProvisionDesk(settings(tmp_path), rig.ports, ShownClaims(), None)
    with pytest.raises(ControlRefused) as refused:
        await desk.order({"order": order})
    assert "xxx" not in str(refused.value)
