"""All targets by name."""

from tests.fuzz import devices, documents

TARGETS = {target.name: target for target in (*devices.TARGETS, *documents.TARGETS)}
