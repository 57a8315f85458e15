"""Names that a test resolves as it likes, and a certificate for one of them."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path
from typing import Any

import pycurl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HOST = "files.example.org"


def resolve(monkeypatch: pytest.MonkeyPatch, port: int, *addresses: str, host: str = HOST) -> None:
    """Have the name lead to these addresses, without asking a name server."""

    def curl() -> Any:
        handle = pycurl.Curl()
        handle.setopt(pycurl.RESOLVE, [f"{host}:{port}:{','.join(addresses)}"])
        return handle

    monkeypatch.setattr("rvm.platform.outbound.connection.Curl", curl)


def certificate(folder: Path, name: str = HOST, *, days: int = 1) -> tuple[Path, ssl.SSLContext]:
    """A certificate for the name, signed by itself, which ends after these days, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "files")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
