"""Names of topics (README.md "Topics"). A topic is a filter and an address, and says no more."""

from typing import Final

from cloud_link import limits

UP: Final = ("state", "report", "audit", "ask", "result", "renew")
DOWN: Final = ("trust", "pulse", "rules", "part", "ack", "usage", "restore", "command", "renewed")


def up(tenant: str, device: str, kind: str) -> str:
    """Name the topic of what a device says."""
    return f"edged/v1/{tenant}/{device}/up/{kind}"


def down(tenant: str, device: str, kind: str) -> str:
    """Name the topic of what is said to a device; `+` for all of them."""
    return f"edged/v1/{tenant}/{device}/down/{kind}"


def down_kind(topic: str, tenant: str, device: str) -> str | None:
    """Return the kind of a topic that is this device's own; None: it is no such topic."""
    if len(topic) > limits.TOPIC_CHARS:
        return None
    prefix = down(tenant, device, "")
    kind = topic.removeprefix(prefix)
    return kind if topic.startswith(prefix) and kind in DOWN else None


def enrol_up(tenant: str, request: str) -> str:
    """Name the topic of a device that asks to be enrolled, by the request that it made up."""
    return f"edged-enrol/v1/{tenant}/{request}/up"


def enrol_down(tenant: str, request: str) -> str:
    """Name the topic on which it is answered."""
    return f"edged-enrol/v1/{tenant}/{request}/down"
