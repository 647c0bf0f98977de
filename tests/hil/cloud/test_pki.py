"""Certificates that the strictest client of today takes (hil.cloud.pki)."""

import ssl
from pathlib import Path

from hil.chain.line import now
from hil.cloud import pki


def shaken(folder: Path, client: str, authorities: str) -> bool:
    """Whether the broker and a client that knows these authorities (PEM) take each other.

    Both are as strict as Python 3.13 makes them by default (RFC 5280: who signed it is named by
    its key).
    """
    ends = []
    for name, protocol in ((client, ssl.PROTOCOL_TLS_CLIENT), ("broker", ssl.PROTOCOL_TLS_SERVER)):
        context = ssl.SSLContext(protocol)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        ends.append(context)
    ends[0].load_verify_locations(cadata=authorities)
    ends[1].load_verify_locations(folder / "ca.crt")
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    device = ends[0].wrap_bio(heard, said, server_hostname="127.0.0.1")
    broker = ends[1].wrap_bio(said, heard, server_side=True)
    shaken = {device: False, broker: False}
    for end in (device, broker) * 4:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
        shaken[end] = True
    return all(shaken.values())


def test_a_client_that_is_strict_shakes_hands_with_the_broker(tmp_path: Path) -> None:
    authority = pki.authority(tmp_path, now())
    authority.broker(["127.0.0.1"], now())
    authority.client("gate-1", now())
    assert shaken(tmp_path, "gate-1", (tmp_path / "ca.crt").read_text())
    stranger = pki.authority(tmp_path / "stranger", now())
    assert not shaken(tmp_path, "gate-1", (stranger.folder / "ca.crt").read_text())
