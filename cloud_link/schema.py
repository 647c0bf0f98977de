"""`python -m cloud_link.schema`: writes contract.schema.json, for whoever writes the other side.

A schema can't say everything that the contract does: see README.md.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

from cloud_link.envelope import Envelope
from cloud_link.wire import (
    Admission,
    AskPart,
    AskPulse,
    AskRestore,
    Checkpoint,
    Command,
    Enrol,
    Manifest,
    Pulse,
    Renew,
    Renewed,
    Report,
    Restore,
    Result,
    State,
    Trust,
    Usage,
)

FILE: Final = Path(__file__).with_name("contract.schema.json")

Ask: TypeAlias = AskPulse | AskPart | AskRestore

KINDS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "envelope": TypeAdapter(Envelope),
    "trust": TypeAdapter(Trust),
    "state": TypeAdapter(State),
    "report": TypeAdapter(Report),
    "ask": TypeAdapter(Ask),
    "pulse": TypeAdapter(Pulse),
    "manifest": TypeAdapter(Manifest),
    "checkpoint": TypeAdapter(Checkpoint),
    "usage": TypeAdapter(Usage),
    "restore": TypeAdapter(Restore),
    "command": TypeAdapter(Command),
    "result": TypeAdapter(Result),
    "enrol": TypeAdapter(Enrol),
    "admission": TypeAdapter(Admission),
    "renew": TypeAdapter(Renew),
    "renewed": TypeAdapter(Renewed),
}


def contract() -> dict[str, Any]:
    """Put the schemas of all payloads together, each at `#/$defs/KIND`."""
    schemas, whole = TypeAdapter.json_schemas(
        (kind, "validation", adapter) for kind, adapter in KINDS.items()
    )
    defs = dict(whole["$defs"])
    for (kind, _), schema in schemas.items():
        defs[str(kind)] = schema
    for schema in defs.values():
        _demand_all(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The contract between a device and its cloud, version 1",
        "$defs": dict(sorted(defs.items())),
    }


def _demand_all(schema: dict[str, Any]) -> None:
    """Say that every member has to be there, but for what a trust document may lack."""
    if "properties" in schema:
        lacks = Trust.MAY_LACK if schema.get("title") == Trust.__name__ else frozenset()
        schema["required"] = [name for name in schema["properties"] if name not in lacks]
    for found in schema.get("properties", {}).values():
        found.pop("default", None)


def spelt() -> str:
    """Spell the file."""
    return json.dumps(contract(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(spelt())
