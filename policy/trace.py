"""Notes the checks of a decision, with the facts that each of them used."""

from policy.decision import Check, Fact


def check(name: str, passed: bool, /, **facts: Fact) -> Check:
    """Return one check with the facts that it used."""
    return Check(name, passed, facts)


def failed(name: str, /, **facts: Fact) -> Check:
    """Return a check that did not hold."""
    return Check(name, passed=False, facts=facts)


def held(*names: str) -> tuple[Check, ...]:
    """Return checks that held and have nothing more to say."""
    return tuple(Check(name, passed=True) for name in names)
