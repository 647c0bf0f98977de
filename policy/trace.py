"""The checks of one decision, in the order in which they were made."""

from policy.model import Check


class Trace:
    """Collects what a decision looked at; `checks` is what goes into `Decision.trace`."""

    __slots__ = ("_checks",)

    def __init__(self) -> None:
        self._checks: list[Check] = []

    def check(self, name: str, passed: bool, **facts: str | int | bool | None) -> bool:
        """Note one check with the facts that it used, and return `passed`."""
        self._checks.append(Check(name, passed, facts))
        return passed

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks so far."""
        return tuple(self._checks)
