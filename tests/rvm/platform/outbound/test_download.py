"""A file of a stranger's server: no other machine is reached for it, and it comes whole, in time and small, or not at all."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from rvm.platform.errors import ServiceError
from rvm.platform.outbound import download as downloads
from rvm.platform.outbound.download import download
from rvm.platform.outbound.targets import Target, read_target
from tests.delivery.transport.wire_server import Heard, WireServer
from tests.rvm.platform.outbound.hosts import HOST, certificate, resolve

FILE = b"sound" * 100
NOBODY = "The file was not fetched. No machine on the public internet was found under the host's name."


def answer(*lines: str, status: str = "200 OK", body: bytes = FILE) -> Callable[[Heard], None]:
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""])

    def speak(heard: Heard) -> None:
        heard.send(head.encode() + body)
        heard.close()

    return speak


def sized(*lines: str, status: str = "200 OK", body: bytes = FILE) -> Callable[[Heard], None]:
    return answer(f"Content-Length: {len(body)}", *lines, status=status, body=body)


def local(server: WireServer, path: str = "/reminder.mp3") -> Target:
    return read_target(f"http://127.0.0.1:{server.port}{path}", loopback=True)


def named(server: WireServer, scheme: str = "https") -> Target:
    """A target with a name, at the port of a test's server."""
    return Target(f"{scheme}://{HOST}:{server.port}/reminder.mp3", HOST, "/reminder.mp3")


def refusal_of(target: Target, most: int = 10_000, seconds: float = 5) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        download(target, most=most, seconds=seconds)
    assert refused.value.field == "url"
    return refused.value


# Where it goes


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["[::1]"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["[::ffff:127.0.0.1]"],
        ["100.64.0.1"],
        ["0.0.0.0"],  # noqa: S104
        ["224.0.0.1"],
        ["[64:ff9b::7f00:1]"],
        ["[2002:7f00:1::1]"],
    ],
)
def test_a_name_that_leads_to_a_machine_within_reaches_nobody(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    with WireServer(sized()) as server:
        resolve(monkeypatch, server.port, *addresses)
        refusal = refusal_of(named(server))
        assert (refusal.code, refusal.message) == ("url_not_fetched", NOBODY)
        assert server.accepted == 0


def test_after_one_machine_was_refused_no_other_of_the_same_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("rvm.platform.outbound.connection.is_public", lambda ip: asked.append(ip) or ip == "127.0.0.1")
    with WireServer(sized()) as server:
        resolve(monkeypatch, server.port, "10.0.0.1", "127.0.0.1")
        assert refusal_of(named(server)).message == NOBODY
        assert server.accepted == 0
    assert asked == ["10.0.0.1"]


def test_each_machine_is_judged_as_the_connection_to_it_opens_so_a_second_look_up_cannot_replace_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The name is public at the first look, and private whenever it is looked up again."""
    public, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(public))
    looks: list[str] = []
    monkeypatch.setattr("rvm.platform.outbound.connection.is_public", lambda ip: looks.append(ip) or len(looks) == 1)
    with WireServer(sized(), context) as server:
        resolve(monkeypatch, server.port, "127.0.0.1")
        assert download(named(server), most=10_000) == FILE
        assert refusal_of(named(server)).message == NOBODY
        assert len(server.heard) == 1
    assert looks == ["127.0.0.1", "127.0.0.1"]


def test_an_unknown_name_and_one_within_get_the_same_answer() -> None:
    target = read_target("https://nobody.invalid/a.mp3")
    assert refusal_of(target).message == NOBODY


def test_development_reaches_this_machine_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer(sized()) as server:
        assert download(local(server), most=10_000) == FILE
        resolve(monkeypatch, server.port, "10.0.0.1", host="localhost")
        target = read_target(f"http://localhost:{server.port}/", loopback=True)
        assert refusal_of(target).message == NOBODY


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with WireServer() as elsewhere, WireServer() as server:
        server.answer = sized(f"Location: http://127.0.0.1:{elsewhere.port}/latest/meta-data/", status=status)
        message = refusal_of(local(server)).message
        assert elsewhere.accepted == 0
    assert message == (
        f"The address answers with a redirect ({status[:3]}), and none is followed; name the address that it leads to."
    )


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with WireServer(sized()) as server, WireServer(sized()) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert download(local(server), most=10_000) == FILE
        assert proxy.accepted == 0


def test_a_target_with_a_name_is_asked_over_tls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rvm.platform.outbound.connection.is_public", lambda ip: True)
    with WireServer(sized()) as server:
        resolve(monkeypatch, server.port, "127.0.0.1")
        refusal_of(named(server, "http"))
        assert server.accepted == 0


# What it says of itself


def test_the_request_has_no_cookie_no_credentials_and_asks_for_no_compression(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with WireServer(sized("Set-Cookie: a=b")) as server:
        download(local(server, "/a.mp3?sig=x"), most=10_000)
        download(local(server), most=10_000)
        first, second = server.heard
    assert first.line == "GET /a.mp3?sig=x HTTP/1.1"
    assert set(first.headers) == set(second.headers) == {"host", "user-agent", "accept"}


# Whom it believes


@pytest.mark.parametrize(
    ("name", "days", "trusted"), [(HOST, 1, False), ("other.example.org", 1, True), (HOST, -1, True)]
)
def test_a_certificate_that_is_not_trusted_not_for_the_name_or_expired_gets_no_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, days: int, trusted: bool
) -> None:
    public, context = certificate(tmp_path, name, days=days)
    monkeypatch.setattr("rvm.platform.outbound.connection.is_public", lambda ip: True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
    with WireServer(sized(), context) as server:
        resolve(monkeypatch, server.port, "127.0.0.1")
        assert "certificate is not valid" in refusal_of(named(server)).message
        assert server.heard == []


# How much it reads


@pytest.mark.parametrize("respond", [sized(body=b"x" * 1001), answer(body=b"x" * 1001), answer(body=b"x" * 5_000_000)])
def test_more_than_the_bound_is_refused_whether_it_was_announced_or_not(respond: Callable[[Heard], None]) -> None:
    with WireServer(respond) as server:
        refusal = refusal_of(local(server), most=1000)
    assert (refusal.code, refusal.message) == (
        "too_large",
        "The file at the address is larger than 0 MB (1,000 bytes).",
    )


def test_what_is_announced_too_large_is_not_read() -> None:
    with WireServer(answer("Content-Length: 9000000000", body=b"")) as server:
        assert refusal_of(local(server), most=1000).code == "too_large"


def test_exactly_the_bound_is_read() -> None:
    with WireServer(answer(body=b"x" * 1000)) as server:
        assert download(local(server), most=1000) == b"x" * 1000


def test_chunks_without_an_end_are_bounded_too() -> None:
    endless = b"".join(b"200\r\n" + b"x" * 512 + b"\r\n" for _ in range(10))
    with WireServer(answer("Transfer-Encoding: chunked", body=endless)) as server:
        assert refusal_of(local(server), most=1000).code == "too_large"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP, identity"])
def test_a_compressed_file_is_refused_and_never_decompressed(encoding: str) -> None:
    bomb = gzip.compress(bytes(1_000_000))
    with WireServer(sized(f"Content-Encoding: {encoding}", body=bomb)) as server:
        assert "comes compressed" in refusal_of(local(server)).message


@pytest.mark.parametrize("size", [0, 1])
def test_a_file_that_is_cut_off_is_refused(size: int) -> None:
    def cut(heard: Heard) -> None:
        heard.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + FILE[: 499 * size])
        heard.close()

    with WireServer(cut) as server:
        assert "broke before the file was whole" in refusal_of(local(server)).message


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nso"])
def test_a_server_that_keeps_it_waiting_is_left(start: bytes) -> None:
    with WireServer(lambda heard: heard.send(start)) as server:
        message = refusal_of(local(server), seconds=0.3).message
    assert message == "The file was not fetched. It did not arrive whole within 0.3 seconds."


# What it tells


@pytest.mark.parametrize("status", ["204 No Content", "206 Partial", "401 No", "403 No", "404 Gone", "500 Oops"])
def test_another_status_is_told_by_its_number_and_never_by_what_the_server_wrote(status: str) -> None:
    body = b"" if status[0] == "2" else b"internal: password"
    with WireServer(sized("X-Internal: secret", status=status, body=body)) as server:
        message = refusal_of(local(server)).message
    assert message == f"The address answers with status {status[:3]}; a file comes with 200."


def test_a_long_page_of_an_error_is_an_error_and_not_a_file_too_large() -> None:
    with WireServer(sized(status="404 Not Found", body=b"x" * 5000)) as server:
        assert refusal_of(local(server), most=1000).code == "url_not_fetched"


@pytest.mark.parametrize("garbage", [b"\x00\x01\x02", b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail\r\n"])
def test_what_is_not_http_is_a_broken_connection(garbage: bytes) -> None:
    def speak(heard: Heard) -> None:
        heard.send(garbage)
        heard.close()

    with WireServer(speak) as server:
        message = refusal_of(local(server)).message
    assert message == f"The file was not fetched. {downloads._BROKEN}"


def test_a_closed_port_is_told_as_such() -> None:
    with WireServer() as server:
        target = local(server)
    assert "refuses connections, or is unreachable" in refusal_of(target).message
