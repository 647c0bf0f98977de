"""`edged audit verify`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, journal
from edged.cli.show import show


def audit_verify(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check that every record of the audit follows the one before, as it was written."""
    from edged.errors import AuditBroken
    from edged.store.audit import Broken, verify

    found = verify(journal(config))
    if isinstance(found, Broken):
        raise AuditBroken(found.seq, found.why)
    show({"records": found.count, "head": found.head.hex()}, as_json=as_json)
