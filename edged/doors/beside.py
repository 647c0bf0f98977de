"""A staff card that has been shown and waits for the PIN beside it (spec/credentials.md, T2)."""

import hmac

from edged import limits
from edged.credentials.claims import StaffCard
from policy import staff
from policy.model import Rules


class WaitingCard:
    """The last card that was shown at the way in of one door."""

    def __init__(self) -> None:
        self._card: StaffCard | None = None
        self._until_ms = 0

    def lay(self, card: StaffCard, now_ms: int) -> None:
        """Let a card wait, in place of the one before."""
        self._card, self._until_ms = card, now_ms + limits.CARD_WAITS_MS

    def take(self, digest: bytes, rules: Rules, now_ms: int) -> StaffCard | None:
        """Return the card that waits, if `digest` is the keyed hash of its person's PIN.

        It waits no longer then. Who has no PIN has no way in by a card.
        """
        card = self._card
        if card is None or now_ms >= self._until_ms:
            return None
        person = staff.find(rules, card.handle)
        wanted = None if person is None else person.pin_hash
        if wanted is None or not hmac.compare_digest(digest, wanted):
            return None
        self._card = None
        return card
