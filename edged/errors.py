"""What can be wrong with what somebody asked for, beside the errors of the other rooms."""

from collections.abc import Sequence


class NotFound(Exception):
    """What was asked about is not there. The text names it."""


class Untrusted(Exception):
    """A trust document or this device's key can't be used. The text says why, and no secret."""


class EnrolmentRefused(Exception):
    """The cloud does not take this device. The text is its word for why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the cloud refuses this device: {why}")
        self.why = why


class NetworkRefused(Exception):
    """The network is as it was. The text says why."""


class AuditBroken(Exception):
    """A record of the audit, number `seq`, is not as it was written."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(seq, reason)
        self.seq = seq
        self.reason = reason

    def __str__(self) -> str:
        """Say it in one line."""
        return f"record {self.seq}: {self.reason}"


class InstallRefused(Exception):
    """The programs can't run from where they are. The text says why, and what to do."""


class RulesFaulty(Exception):
    """A rules file can't be used; `faults` says all that is wrong, a line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(faults)
        self.faults = tuple(faults)
