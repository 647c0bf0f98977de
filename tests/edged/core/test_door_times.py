"""What a handle, a forced opening, more time and the lock's own sensor make of a door's story."""

from edged.core.door_words import (
    Hold,
    Holding,
)

FIRE, FIRE_ENDS = Holding(Hold.FIRE, began=True), Holding(Hold.FIRE, began=False)
