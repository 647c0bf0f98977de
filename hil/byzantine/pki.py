"""Certificates for one broker and its devices, good for a day and for 127.0.0.1."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hil.byzantine.tenant import made_key

DAY = timedelta(days=1)


def named(name: str, *, may_certify: bool = True) -> bytes:
    """Make the certificate of an authority, DER, the same each time: it certifies nothing here."""
    key, own = made_key(name), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    since = datetime(2026, 1, 1, tzinfo=UTC)
    basics = x509.BasicConstraints(ca=may_certify, path_length=None)
    builder = x509.CertificateBuilder().subject_name(own).issuer_name(own).serial_number(1)
    builder = builder.public_key(key.public_key()).not_valid_before(since)
    builder = builder.not_valid_after(since + 3650 * DAY).add_extension(basics, critical=True)
    return builder.sign(key, None).public_bytes(serialization.Encoding.DER)


class Authority:
    """A certificate authority that keeps its files in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.crt"
        basics = x509.BasicConstraints(ca=True, path_length=0)
        self._write(self.file, self._certify(self._name, self._key, basics, ()))

    def issue(
        self, name: str, hosts: Sequence[str] = (), begin: datetime | None = None
    ) -> tuple[Path, Path]:
        """Certify a new key; return the files of the certificate and of the key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basics = x509.BasicConstraints(ca=False, path_length=None)
        certificate, secret = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        self._write(certificate, self._certify(subject, key, basics, hosts, begin))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def _certify(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        basics: x509.BasicConstraints,
        hosts: Sequence[str],
        begin: datetime | None = None,
    ) -> x509.Certificate:
        since = begin or datetime.fromtimestamp(time.time(), UTC) - DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + 2 * DAY)
            .add_extension(basics, critical=True)
        )
        if hosts:
            names = [x509.IPAddress(IPv4Address(host)) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, file: Path, certificate: x509.Certificate) -> None:
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
