import pytest

from edged.store.journal import Journal
from edged.store.ledger import Ledger
from policy.model import UsageKey
from tests.edged.store.test_ledger import KEY, MONTH

HOSTILE = ["'", "' OR 1=1 --", '"; DROP TABLE usage; --', "%", "_", "C1', 'C2", "\x1b[2J\u202e", ""]


@pytest.mark.threat("A9")
@pytest.mark.parametrize("owner", HOSTILE)
async def test_an_id_is_a_value_however_it_is_spelled(journal: Journal, owner: str) -> None:
    hostile = UsageKey(owner, "DAY", MONTH[0])

    def story(ledger: Ledger) -> list[frozenset[UsageKey]]:
        ledger.add_key(KEY, "e1")
        found = [ledger.used([owner], *MONTH)]
        ledger.add_key(hostile, owner)
        found.append(ledger.used([owner], *MONTH))
        ledger.withdraw(owner)
        return [*found, ledger.used([owner], *MONTH), ledger.used([KEY.owner], *MONTH)]

    assert await journal.commit(story) == [set(), {hostile}, set(), {KEY}]
