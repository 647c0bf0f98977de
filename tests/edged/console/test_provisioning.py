"""Provisioning on the pages."""

import httpx
import pytest
from structlog.typing import EventDict

from tests.edged.console.place import WHO, Place

CODE = "0123-4567-89AB-CDEF-GHJK"


@pytest.mark.threat("D11")
async def test_a_claim_is_handed_over_and_stands_nowhere_else(
    place: Place, logged: list[EventDict]
) -> None:
    async with place.client() as client:
        form = await place.log_in(client, "install")
        given = await client.post("/provision", data={"claim": CODE, "form": form})
        assert (given.status_code, given.headers["location"]) == (303, "/provision")
        assert place.claims == [{"do": "claim", "by": "install", "claim": CODE}]
        place.identity["waiting"] = False
        late = await client.post("/provision", data={"claim": CODE, "form": form})
        typo = await client.post("/provision", data={"claim": "typo", "form": form})
        assert (late.status_code, typo.status_code) == (409, 409)
        assert "20" in typo.text
        for answer in (given, late, typo, await client.get("/provision")):
            assert CODE not in answer.text
        place.claims.clear()
        assert (await client.get(f"/provision?claim={CODE}")).status_code == httpx.codes.OK
        operate = await place.log_in(client, "operate")
        no = await client.post("/provision", data={"claim": CODE, "form": operate})
        assert no.status_code == httpx.codes.FORBIDDEN
    assert place.claims == []
    assert CODE not in str(logged)


async def test_each_state_is_said_in_three_languages(place: Place) -> None:
    async with place.client() as client:
        await place.log_in(client, "install")
        for phase in ("FACTORY", "CLAIMED", "ENROLLING", "ACTIVE", "RENEWING", "RETIRED"):
            place.identity["identity"] = {**WHO, "phase": phase}
            for language in ("ja", "ko", "en"):
                page = await client.get("/provision", headers={"accept-language": language})
                assert "phase_" not in page.text
                assert "<b>waiting" not in page.text
                assert ('<input name="claim"' in page.text) is (phase not in {"ACTIVE", "RENEWING"})
        place.identity["link"] = None
        part = await client.get("/provision", headers={"x-part": "code", "accept-language": "en"})
    assert "The settings name no cloud" in part.text
    assert "<html" not in part.text
