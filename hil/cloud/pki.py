"""A certificate authority for trials and small chains: a broker, workers, devices.

Its own key lies in the folder beside what it certified. Whoever has it can connect, which is
all that a certificate is good for: nothing counts by it (cloud_link/README.md).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hil.cloud import limits
from hil.cloud.spelling import is_name

_SIGNS: Final = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
BELOW: Final = 1
"""How many authorities one below another: the next one, for which it vouches (rollover.py)."""
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority and its folder."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def broker(self, hosts: Iterable[str], at: datetime) -> None:
        """Certify a broker under its names and addresses: `broker.crt`, `broker.key`."""
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        self._issue("broker", at, SERVER, names)

    def client(self, name: str, at: datetime) -> None:
        """Certify a device or worker: `NAME.crt`, `NAME.key`, its common name.

        Raises:
            ValueError: It can't be the name of one.
        """
        if not is_name(name) or name in {"ca", "broker"}:
            raise ValueError(f"name: {name!r} can't be that of a device")
        # the name as a domain too: the common name alone is not read by every broker
        self._issue(name, at, CLIENT, x509.SubjectAlternativeName([x509.DNSName(name)]))

    def device(self, name: str, key: ec.EllipticCurvePublicKey, at: datetime, days: int) -> str:
        """Certify a device that made its own key; return the certificate as PEM."""
        builder = _builder(_name(name), self.certificate.subject, key, at, days)
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = self._signed(builder, CLIENT, names)
        return made.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def voucher(self, other: x509.Certificate, at: datetime) -> x509.Certificate | None:
        """Certify another authority: who trusts this one then trusts what the other certifies.

        None: this one may certify no authority.
        """
        own = self.certificate
        basics = own.extensions.get_extension_for_class(x509.BasicConstraints).value
        if basics.path_length == 0:
            return None
        key = other.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("not a key of ours")
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        left = min(own.not_valid_after_utc - at, timedelta(days=limits.CERTIFICATE_DAYS))
        builder = _builder(other.subject, own.subject, key, at, left.days)
        builder = _as_authority(builder, key, 0).add_extension(ours, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _issue(
        self,
        name: str,
        at: datetime,
        use: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self.certificate.subject, key.public_key(), at)
        _write(self.folder, name, self._signed(builder, use, names), key)

    def _signed(
        self,
        builder: x509.CertificateBuilder,
        use: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName,
    ) -> x509.Certificate:
        basics = x509.BasicConstraints(ca=False, path_length=None)
        builder = builder.add_extension(basics, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        builder = builder.add_extension(names, critical=False)
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(ours, critical=False)  # Python 3.13 asks for it
        return builder.sign(self.key, hashes.SHA256())


def authority(folder: Path, at: datetime, name: str = "edged test authority") -> Authority:
    """Read the authority of a folder, or make it: `ca.key`, and its certificate in `ca.crt`.

    Others may stand there beside it.

    Raises:
        OSError, ValueError: Its files can't be read or written.
    """
    certificates, secret = folder / "ca.crt", folder / "ca.key"
    if not certificates.exists():
        _make(folder, at, name)
    key = serialization.load_pem_private_key(secret.read_bytes(), None)
    for own in x509.load_pem_x509_certificates(certificates.read_bytes()):
        if isinstance(key, ec.EllipticCurvePrivateKey) and own.public_key() == key.public_key():
            return Authority(folder, own, key)
    raise ValueError(f"{secret}: not a key of ours")


def _make(folder: Path, at: datetime, name: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    own = _name(name)
    builder = _as_authority(_builder(own, own, key.public_key(), at), key.public_key(), BELOW)
    _write(folder, "ca", builder.sign(key, hashes.SHA256()), key)


def _as_authority(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey, below: int
) -> x509.CertificateBuilder:
    """Let its holder certify. `below`: how many authorities one below the other."""
    basics = x509.BasicConstraints(ca=True, path_length=below)
    builder = builder.add_extension(basics, critical=True)
    builder = builder.add_extension(_SIGNS, critical=True)
    own = x509.SubjectKeyIdentifier.from_public_key(key)
    return builder.add_extension(own, critical=False)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    at: datetime,
    days: int = limits.CERTIFICATE_DAYS,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))  # clocks differ
        .not_valid_after(at + timedelta(days=days))
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(folder / f"{name}.key", flags, 0o600), "wb") as file:
        file.write(secret)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / f"{name}.crt").write_bytes(pem)
