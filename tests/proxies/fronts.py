"""Proxies started on the loopback with the configurations of deploy/, the web server behind them, and a client of raw connections."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from rvm.devtools.embedded.processes import spawn, stop, wait_until
from rvm.devtools.sample import Sample, load_sample
from rvm.devtools.stack import MANAGE, Stack
from tests.chaos.scene import free_port
from tests.chaos.servers import Servers, django_on

DEPLOY = Path(settings.BASE_DIR) / "deploy"
NAME = "rvm.example.com"
# What a hurried proxy allows instead of the files' times: for the head of a request, and for its body.
HEAD_SECONDS, BODY_SECONDS = 2, 3


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path


@dataclass(frozen=True)
class Web:
    """RVM's web server in production, with the sample workspace."""

    port: int
    public_port: int
    log: Path
    sample: Sample
    servers: Servers
    database: str

    @property
    def requests(self) -> list[str]:
        """RVM's own access lines."""
        return [line for line in self.log.read_text().splitlines() if '"event":"request"' in line.replace(": ", ":")]


def certificate(directory: Path) -> Certificate:
    """A certificate for NAME that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(directory / "fullchain.pem", directory / "privkey.pem")
    paths.chain.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@contextmanager
def web_server(servers: Servers, directory: Path) -> Iterator[Web]:
    """gunicorn as the stack starts it, with production's settings."""
    database = servers.new_database()
    public_port = free_port()
    stack = Stack(directory, free_port())
    environment = {
        **stack.environment(),
        "RVM_ENVIRONMENT": "production",
        "RVM_ALLOWED_HOSTS": NAME,
        "RVM_PUBLIC_URL": f"https://{NAME}:{public_port}",
        "RVM_MEDIA_ROOT": str(directory / "media"),
        "DATABASE_URL": database,
        "REDIS_URL": servers.redis_url,
    }
    subprocess.run(
        [sys.executable, MANAGE, "collectstatic", "--noinput", "--verbosity", "0"], env=environment, check=True
    )
    with django_on(database):
        sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret)
    web = Web(stack.web_port, public_port, directory / "web.log", sample, servers, database)
    process = spawn(stack.commands()["web"], log=web.log, env=environment, cwd=MANAGE.parent)
    try:
        wait_until(partial(listens, web.port), process, name="web", log=web.log)
        yield web
    finally:
        stop(process)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Front:
    """A running proxy and the directory of its logs."""

    port: int
    logs: Path
    certificate: Certificate = field(repr=False)

    @property
    def logged(self) -> str:
        return "".join(path.read_text() for path in sorted(self.logs.glob("*.log")))

    def connect(self, source: str = "127.0.0.1", timeout: float = 60) -> ssl.SSLSocket:
        """A connection from an address of the loopback."""
        context = ssl.create_default_context(cafile=str(self.certificate.chain))
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=timeout, source_address=(source, 0))
        return context.wrap_socket(plain, server_hostname=NAME)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> tuple[int, Mapping[str, str], bytes]:
        connection = HTTPConnection(NAME, self.port)
        connection.sock = self.connect(source)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def rewritten(file: str, changes: Sequence[tuple[str, str]]) -> str:
    """The configuration with each text replaced, which must be there."""
    text = (DEPLOY / file).read_text()
    for old, new in changes:
        assert old in text, f"deploy/{file} has no {old!r}"
        text = text.replace(old, new)
    return text


@contextmanager
def home_of(program: str) -> Iterator[tuple[str, Path]]:
    """The program's path, and a directory that its unprivileged account may enter."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.fail(f"{program} is not installed on this machine (make proxies installs it on Debian).", pytrace=False)
    home = Path(tempfile.mkdtemp(prefix=f"rvm-{program}-", dir="/tmp"))
    home.chmod(0o755)
    try:
        yield found, home
    finally:
        shutil.rmtree(home)


@contextmanager
def nginx(port: int, upstream: int, signed: Certificate, *, hurried: bool = False) -> Iterator[Front]:
    with home_of("nginx") as (program, home):
        changes = [
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("listen 80", f"listen 127.0.0.1:{free_port()}"),
            ("server 127.0.0.1:8000;", f"server 127.0.0.1:{upstream};"),
            ("server 127.0.0.1:8001;", f"server 127.0.0.1:{upstream};"),
            ("/etc/ssl/rvm/fullchain.pem", str(signed.chain)),
            ("/etc/ssl/rvm/privkey.pem", str(signed.key)),
            ("/var/log/nginx/", f"{home}/"),
            ("/run/nginx.pid", f"{home}/pid"),
            # Debian's other directories of this kind belong to root.
            (
                "proxy_temp_path /var/lib/nginx/proxy;",
                f"proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi; "
                f"uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;",
            ),
            ("/var/lib/nginx/", f"{home}/"),
        ]
        if hurried:
            changes += [
                ("client_header_timeout 10s", f"client_header_timeout {HEAD_SECONDS}s"),
                ("client_body_timeout 10s", f"client_body_timeout {BODY_SECONDS}s"),
            ]
        configuration = home / "nginx.conf"
        configuration.write_text(rewritten("nginx.conf", changes))
        command = [program, "-c", str(configuration), "-e", str(home / "start.log"), "-g", "daemon off;"]
        with started(command, home, port, {"PATH": os.defpath}):
            yield Front(port, home, signed)


@contextmanager
def caddy(port: int, upstream: int, signed: Certificate, *, hurried: bool = False) -> Iterator[Front]:
    with home_of("caddy") as (program, home):
        changes = [
            ("admin off", "admin off\n\tauto_https disable_redirects"),
            (f"{NAME} {{", f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {signed.chain} {signed.key}"),
            ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
            ("127.0.0.1:8001", f"127.0.0.1:{upstream}"),
            ("/var/log/caddy/", f"{home}/"),
        ]
        if hurried:
            changes += [
                ("read_header 10s", f"read_header {HEAD_SECONDS}s"),
                ("read_body 5m", f"read_body {BODY_SECONDS}s"),
            ]
        configuration = home / "Caddyfile"
        configuration.write_text(rewritten("Caddyfile", changes))
        command = [program, "run", "--config", str(configuration), "--adapter", "caddyfile"]
        with started(command, home, port, {"PATH": os.defpath, "HOME": str(home)}):
            yield Front(port, home, signed)


@contextmanager
def started(command: Sequence[str], home: Path, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    log = home / "output.log"
    process = spawn(command, log=log, env=environment, cwd=home)
    try:
        wait_until(partial(listens, port), process, name=command[0], log=log)
        yield
    finally:
        stop(process)


FRONTS: dict[str, Callable[..., AbstractContextManager[Front]]] = {"caddy": caddy, "nginx": nginx}
