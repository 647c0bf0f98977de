"""Limits of what the cloud may ask of this device, each with its unit and its reason."""

from typing import Final

from edged.store import limits as store

SET_BYTES: Final = store.RULES_FILE_BYTES
"""All parts of one rule set, unpacked: a rules file."""

MEMBERS: Final = store.MEMBERS
"""Members of one rule set."""

VECTORS: Final = 10_000
"""Requests that a set brings to be tried: a decision takes 30 microseconds."""

VECTOR_KEYS: Final = 400
"""Usage keys of one of them: more than a year of days."""
