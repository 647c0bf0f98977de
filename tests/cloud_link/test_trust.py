"""Trust documents beside the vectors': a type says for what a signature was given."""

import pytest

from cloud_link.envelope import open_envelope
from cloud_link.trust import Distrusted, follow, pin
from cloud_link.verify import Unproven, Why, opened, verify
from hil.byzantine.tenant import Tenant, seal
from tests.cloud_link.make_vectors import AT

TENANT = Tenant("acme")
FIRST = TENANT.trust(1, AT)


def test_what_the_roots_signed_as_something_else_is_no_trust_document() -> None:
    payload = open_envelope(TENANT.trust(2, AT)).payload
    other = seal("manifest", payload, *TENANT.roots)
    with pytest.raises(Distrusted, match="not a trust document"):
        pin(other, "acme")
    with pytest.raises(Distrusted, match="not a trust document"):
        follow(pin(FIRST, "acme"), other)


def test_a_trust_document_is_no_word_that_a_role_may_say() -> None:
    held = pin(FIRST, "acme")
    with pytest.raises(Unproven) as unproven:
        verify(opened(TENANT.trust(2, AT)), held, "gate-1", AT)
    assert unproven.value.why is Why.UNKNOWN_TYPE
