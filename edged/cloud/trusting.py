"""Whom this device trusts: pinned by an installer, followed by the link, shown to people."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cloud_link.envelope import key_id, open_envelope
from cloud_link.limits import ENVELOPE_BYTES
from cloud_link.shapes import Malformed, spell_instant
from cloud_link.trust import Distrusted, Trusted, pin
from cloud_link.wire import Role
from edged.cloud.files import device_key, trust_file, write_whole
from edged.errors import NotFound, Untrusted
from edged.settings.model import Broker, Settings
from edged.store import cosigned
from edged.store.connection import connect_read_only
from edged.store.state_dir import claim


def pin_file(settings: Settings, file: Path, *, replace: bool) -> Mapping[str, object]:
    """Take the first trust document from a file, and say what it says.

    Raises:
        Untrusted: It is none of this tenant, or one is pinned already.
        NotFound: The settings name no cloud.
        StateInUse: The daemon runs.
        OSError: The file can't be read.
    """
    with file.open("rb") as opened:
        data = opened.read(ENVELOPE_BYTES + 1)
    trusted = _pinned(data, settings)
    with claim(settings.state_dir):
        path = trust_file(settings.state_dir)
        if path.exists() and not replace:
            raise Untrusted("a trust document is pinned already")
        write_whole(path, data)
        return _said(settings, trusted)


def told(settings: Settings) -> Mapping[str, object]:
    """Say whom this device trusts, and with which key it signs.

    Raises:
        Untrusted: What is pinned is not whole any more.
        NotFound: Nothing is pinned, or the settings name no cloud.
    """
    return _said(settings, _pinned(_file(settings).read_bytes(), settings))


def authorities(state_dir: Path, tenant: str) -> Sequence[bytes]:
    """Name the authorities that may certify the broker, DER, as the trust of now does.

    None: the settings' `ca_file` has them. Raises OSError, and Untrusted: it is not whole.
    """
    path = trust_file(state_dir)
    try:
        return pin(path.read_bytes(), tenant).document.authorities if path.exists() else ()
    except Distrusted as why:
        raise Untrusted(f"the trust document: {why}") from None


def all_authorities(state_dir: Path, broker: Broker) -> Sequence[bytes]:
    """Name those of the settings' `ca_file` beside them: the trust may be of long ago.

    For whoever has an installer beside him. Raises OSError, ValueError, Untrusted.
    """
    held = x509.load_pem_x509_certificates(broker.ca_file.read_bytes())
    own = (one.public_bytes(Encoding.DER) for one in held)
    return (*authorities(state_dir, broker.tenant), *own)


def acknowledged_by(settings: Settings, journal: Path) -> str | None:
    """Name the key of the cloud that signed the newest checkpoint of a journal.

    None: nobody who acknowledges by the trust of now; it may have been somebody before.

    Raises:
        Untrusted: What is pinned is not whole any more.
    """
    if settings.cloud is None or not trust_file(settings.state_dir).exists():
        return None
    with closing(connect_read_only(journal)) as db:
        envelopes = [one.envelope for one in cosigned.read(db)]
    document = _pinned(_file(settings).read_bytes(), settings).document
    keys = [held.key for held in document.keys if Role.ACKS in held.roles]
    try:
        signers = open_envelope(envelopes[-1]).signers(keys) if envelopes else ()
    except Malformed:
        return None
    return next((key_id(key) for key in signers), None)


def _file(settings: Settings) -> Path:
    path = trust_file(settings.state_dir)
    if not path.exists():
        raise NotFound("this device trusts nobody yet: edged trust pin FILE")
    return path


def _pinned(data: bytes, settings: Settings) -> Trusted:
    if settings.cloud is None:
        raise NotFound("the settings name no cloud")
    try:
        return pin(data, settings.cloud.tenant)
    except Distrusted as why:
        raise Untrusted(f"the trust document: {why}") from None


def _said(settings: Settings, trusted: Trusted) -> Mapping[str, object]:
    document = trusted.document
    own = device_key(settings.state_dir).public_key().public_bytes_raw()
    return {
        "tenant": document.tenant,
        "version": document.version,
        "issued_at": spell_instant(document.issued_at),
        "threshold": document.threshold,
        "roots": [key_id(key) for key in document.roots],
        "keys": [
            {
                "key": one.key.hex(),
                "roles": [role.value for role in one.roles],
                "until": None if one.until is None else spell_instant(one.until),
            }
            for one in document.keys
        ],
        "device": settings.device,
        "device_key": own.hex(),
    }
