"""The console's process: its certificate, and the server."""

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edged.clock import SystemClock
from edged.console import limits
from edged.console.app import application
from edged.console.context import Console
from edged.console.daemon import Daemon
from edged.console.label import host_name
from edged.console.metrics import Metrics
from edged.notify import READY, WATCHDOG, notify
from edged.settings.model import Console as ConsoleSettings
from edged.settings.model import Settings


def serve(settings: Settings) -> None:
    """Serve the pages until SIGTERM.

    Raises:
        OSError: The folder can't be written, or the port is taken.
    """
    told = settings.console or ConsoleSettings()
    told.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    console = Console(settings, told.folder, Daemon(settings.control_socket), Metrics())
    key, certificate = keep_certificate(told.folder, settings.device) if told.tls else (None, None)
    config = uvicorn.Config(
        application(console),
        host=told.host,
        port=told.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
        limit_concurrency=64,
        h11_max_incomplete_event_size=16 * 1024,
        ssl_keyfile=key,
        ssl_certfile=certificate,
    )
    Watched(config).run()


class Watched(uvicorn.Server):
    """A server that tells systemd that it listens, and then that its loop turns."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so. Ends the process where that can't be done."""
        await super().startup(sockets)
        notify(READY)

    async def on_tick(self, counter: int) -> bool:
        """Feed the watchdog; called ten times a second, by the loop that serves."""
        if counter % limits.TICKS_A_FEED == 0:
            notify(WATCHDOG)
        return await super().on_tick(counter)


def keep_certificate(folder: Path, device: str) -> tuple[Path, Path]:
    """Return the files of the console's key and certificate, made anew when they are old.

    Nobody vouches for it: its fingerprint, on the label of the device, does.
    """
    key, certificate = folder / "console.key", folder / "console.crt"
    now = SystemClock().now().at
    if (
        not key.exists()
        or not certificate.exists()
        or _left(certificate, now) < timedelta(days=limits.CERTIFICATE_LEFT_DAYS)
    ):
        _make(key, certificate, device, now)
    return key, certificate


def fingerprint(folder: Path, device: str) -> str:
    """Return the SHA-256 of the certificate, in pairs of upper-case hex as browsers show it."""
    _, certificate = keep_certificate(folder, device)
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex(":").upper()


def _left(certificate: Path, now: datetime) -> timedelta:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.not_valid_after_utc - now


def _make(key_file: Path, certificate_file: Path, device: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"edged {device}"[:64])])
    hosts: list[x509.GeneralName] = [
        x509.DNSName(host_name(device)),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(days=1))
        .not_valid_after(now.astimezone(UTC) + timedelta(days=limits.CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
