import json

import pytest

from cloud_link.shapes import Malformed, read
from cloud_link.wire import AskPulse

ASK = {"v": 1, "tenant": "acme", "device": "gate-1", "n": 1, "want": "pulse", "nonce": "0" * 32}
HOSTILE = ["", ".", "..", "a/b", "../b", "/", "+", "#", "$SYS", "a b", "a\n", "a\x00", "\u0430cme"]


def ask(**changed: str) -> AskPulse:
    return read(AskPulse, json.dumps(ASK | changed).encode())


@pytest.mark.threat("A11", "A24")
@pytest.mark.parametrize("field", ["tenant", "device"])
@pytest.mark.parametrize("name", [*HOSTILE, "a" * 65])
def test_a_name_fits_a_topic_and_a_file(field: str, name: str) -> None:
    assert getattr(ask(**{field: "a" * 64}), field) == "a" * 64
    with pytest.raises(Malformed, match=field):
        ask(**{field: name})
