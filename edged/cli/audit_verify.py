"""`edged audit verify`."""

from edged.cli.options import DEFAULT_CONFIG, AsJson, Config, journal, settings
from edged.cli.show import show


def audit_verify(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check that every record of the audit follows the one before, and what the cloud signed.

    `by` names the key that signed the newest; none if nobody did whom this device trusts now.
    """
    from edged.cloud.trusting import acknowledged_by
    from edged.errors import AuditBroken
    from edged.store.audit import Broken, verify

    path = journal(config)
    found = verify(path)
    if isinstance(found, Broken):
        raise AuditBroken(found.seq, found.why)
    told: dict[str, object] = {"records": found.count, "head": found.head.hex()}
    if found.after:
        told["after"] = found.after
    if found.cosigned:
        told |= {"cosigned": found.cosigned, "by": acknowledged_by(settings(config), path)}
    show(told, as_json=as_json)
