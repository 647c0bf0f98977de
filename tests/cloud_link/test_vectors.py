"""Every envelope of tests/vectors/cloud.json, which nobody wrote who knew this code."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from cloud_link import schema, wire
from cloud_link.envelope import open_envelope
from cloud_link.shapes import Malformed, Shape, canonical, decode_base64, read
from cloud_link.trust import Distrusted, follow, pin
from cloud_link.verify import SHAPES, Unproven, opened, verify
from tests.cloud_link import make_vectors
from tests.cloud_link.make_vectors import FILE

TEXT = FILE.read_text()
VECTORS = json.loads(TEXT)
AT = datetime(2026, 11, 28, 15, 30, tzinfo=UTC)
HELD = pin(VECTORS["trust"].encode(), "acme")
DEVICE = decode_base64(VECTORS["keys"]["device"]["public"])
SCHEMA = json.loads(schema.FILE.read_text())
OURS: dict[str, type[Shape]] = {
    "state": wire.State,
    "report": wire.Report,
    "result": wire.Result,
    "renew": wire.Renew,
}
ASKS: dict[str, type[Shape]] = {
    "pulse": wire.AskPulse,
    "part": wire.AskPart,
    "restore": wire.AskRestore,
}
GOOD = [case for case in VECTORS["cases"] if case["counts"]]


def name_of(case: dict[str, Any]) -> str:
    return "-".join((case.get("kind", "trust"), case["name"].replace(" ", "_")))


def read_down(case: dict[str, Any]) -> Shape:
    envelope = opened(case["envelope"].encode())
    if envelope.kind != case["kind"]:
        raise Malformed("of another kind")
    return verify(envelope, HELD, "gate-1", AT)


def read_up(case: dict[str, Any]) -> Shape:
    """Read what a device says, as a cloud would with our shapes."""
    envelope = open_envelope(case["envelope"].encode())
    if envelope.kind != case["kind"] or not envelope.signers([DEVICE]):
        raise Malformed("not signed by the device")
    payload = json.loads(envelope.payload)
    if case["kind"] == "ask":
        shape = ASKS.get(payload["want"], wire.AskPulse)
    else:
        shape = OURS[case["kind"]]
    said = read(shape, envelope.payload)
    if (payload["tenant"], payload["device"]) != ("acme", "gate-1"):
        raise Malformed("of another device")
    return said


def test_what_is_made_is_up_to_date() -> None:
    assert schema.FILE.read_text() == schema.spelt()
    assert make_vectors.written() == TEXT


def test_there_are_good_and_bad_ones_of_each_kind() -> None:
    for kind in {*SHAPES, *OURS, "ask"}:
        counts = [case["counts"] for case in VECTORS["cases"] if case["kind"] == kind]
        assert sum(counts) >= 1
        assert len(counts) - sum(counts) >= 20, kind


@pytest.mark.threat("D9")
@pytest.mark.parametrize("case", VECTORS["cases"], ids=name_of)
def test_an_envelope_counts_or_does_not(
    case: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    reader = read_down if case["kind"] in SHAPES else read_up
    try:
        said: Shape | None = reader(case)
    except (Unproven, Malformed, ValueError, KeyError, TypeError):
        said = None
    assert (said is not None) == case["counts"]
    record_property("refused", int(said is None))
    if said is not None:
        payload = json.loads(open_envelope(case["envelope"].encode()).payload)
        assert json.loads(canonical(said)) == payload


@pytest.mark.parametrize("case", GOOD, ids=name_of)
def test_the_schema_agrees_on_what_is_good(case: dict[str, Any]) -> None:
    envelope = json.loads(case["envelope"])
    validate(envelope, "envelope")
    validate(json.loads(decode_base64(envelope["payload"])), case["kind"])


@pytest.mark.parametrize("step", VECTORS["trust_steps"], ids=name_of)
def test_trust_follows_or_does_not(
    step: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    before = held = pin(step["held"].encode(), "acme")
    with suppress(Distrusted):
        held = follow(held, step["envelope"].encode())
    assert held.document.version == step["version_then"]
    record_property("refused", int(held is before))
    validate(json.loads(open_envelope(step["envelope"].encode()).payload), "trust")


@pytest.mark.threat("G6")
def test_a_key_ends() -> None:
    case = next(case for case in GOOD if case["kind"] == "pulse")
    keys = [key.model_copy(update={"until": AT}) for key in HELD.document.keys]
    ending = type(HELD)(HELD.document.model_copy(update={"keys": keys}), HELD.envelope)
    envelope = opened(case["envelope"].encode())
    verify(envelope, ending, "gate-1", AT)
    with pytest.raises(Unproven, match="SIGNATURE"):
        verify(envelope, ending, "gate-1", AT + timedelta(milliseconds=1))


def validate(payload: object, kind: str) -> None:
    whole = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    jsonschema.Draft202012Validator(whole).validate(payload)
