"""What deploy/nginx.conf and deploy/Caddyfile promise, before RVM's web server as production runs it."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from rvm.devtools.sample import recording_file
from rvm.platform.events import publisher
from rvm.platform.events.outbox import COLUMNS
from tests.chaos.scene import numbers_of_nobody
from tests.proxies.fronts import BODY_SECONDS, HEAD_SECONDS, NAME, Front, Web

pytestmark = pytest.mark.proxies
MEGABYTE = 1_000_000
CROWD = 200
SECRET = "Aq7xK-secret_9Zp"


def api(web: Web, path: str) -> tuple[str, dict[str, str]]:
    headers = {"Authorization": f"Bearer {web.sample.api_key}", "Idempotency-Key": uuid.uuid4().hex}
    return f"/v1/{web.sample.workspace.pk}/{path}", headers


def form(field: str, name: str, content: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content
    return body + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def upload(front: Front, web: Web, path: str, field: str, name: str, content: bytes, **extra: str) -> dict[str, str]:
    body, kind = form(field, name, content)
    address, headers = api(web, path)
    status, _, answer = front.send("POST", address, body, {**headers, "Content-Type": kind, **extra}, "127.0.0.2")
    assert status == 201, answer
    told: dict[str, str] = json.loads(answer)
    return told


def held(web: Web) -> int:
    """Connections that are open to the web server."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{web.port:04X}") and line[3] == "01" for line in lines)


def ended_after(connection: ssl.SSLSocket) -> tuple[float, bytes]:
    """The seconds until the other side ends the connection, and what it says until then."""
    begun, said = time.monotonic(), b""
    with suppress(OSError):
        while part := connection.recv(4096):
            said += part
    return time.monotonic() - begun, said


def sign_in(front: Front, web: Web, said: dict[str, str]) -> int:
    """The status of the answer to the sample's person, who comes from 127.0.0.2 with these headers."""
    status, headers, page = front.send("GET", "/accounts/login/", b"", said, "127.0.0.2")
    assert status == 200 and "Secure" in headers["Set-Cookie"], page
    token = page.partition(b'name="csrfmiddlewaretoken" value="')[2].partition(b'"')[0].decode()
    typed = f"csrfmiddlewaretoken={token}&login={web.sample.username}&password={web.sample.password}"
    origin = f"https://{NAME}:{front.port}"
    own = {
        "Cookie": headers["Set-Cookie"].partition(";")[0],
        "Origin": origin,
        "Referer": f"{origin}/accounts/login/",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return front.send("POST", "/accounts/login/", typed.encode(), said | own, "127.0.0.2")[0]


ADDRESSES = [
    f"/carriers/{SECRET}/",
    f"/carriers/{uuid.uuid4()}/1/{SECRET}/?campaign={SECRET}",
    f"/recordings/{SECRET}.mp3",
    f"/recordings/{uuid.uuid4()}/1/{SECRET}.mp3?{SECRET}",
    f"/accounts/invitation/?{SECRET}",
    f"/accounts/password/reset/key/{SECRET}/",
    f"/admin/people/{SECRET}/",
    f"/v1/voicemail?recipient={SECRET}",
    f"/{SECRET}",
    f"/recordings{SECRET}.mp3",
    f"//carriers/{SECRET}/",
    f"/v1/../carriers/{SECRET}/",
    f"/?{SECRET}",
    f"*{SECRET}",
]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_secret_of_an_address_or_of_a_head_is_in_a_log(front: Front, method: str) -> None:
    said = {"Referer": f"https://{NAME}/{SECRET}", "Cookie": f"a={SECRET}", "Authorization": f"Bearer {SECRET}"}
    for address in ADDRESSES:
        front.send(method, address, b"{}" if method == "POST" else b"", said)
    lines = front.logged
    assert SECRET not in lines
    for area in ("/carriers", "/recordings", "/accounts", "/admin", "/v1"):
        assert f'"{area}"' in lines, area


def test_no_secret_is_in_a_log_where_the_request_fails(front: Front) -> None:
    address = f"/carriers/{SECRET}/"
    assert front.send("POST", address, bytes(2 * MEGABYTE))[0] == 413
    for said in (f"POST {address} nonsense\r\n\r\n", f"GET {address} HTTP/1.1\r\nHost: {NAME}\r\nbad line\r\n\r\n"):
        with front.connect() as connection:
            connection.sendall(said.encode())
            ended_after(connection)
    with front.connect() as connection:
        connection.sendall(f"POST {address} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 500000\r\n\r\n".encode())
    assert SECRET not in front.logged


def test_no_secret_is_in_a_log_while_rvm_is_away(front_of_nobody: Front) -> None:
    for address in ADDRESSES:
        assert front_of_nobody.send("POST", address, b"{}")[0] in (400, 503)
    lines = front_of_nobody.logged
    assert re.search(r"\b50[23]\b", lines) and SECRET not in lines


def test_a_slow_head_is_cut(hurried: Front) -> None:
    with hurried.connect() as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: ".encode())
        seconds, said = ended_after(connection)
    assert HEAD_SECONDS - 1 < seconds < HEAD_SECONDS + 3 and b"200" not in said


def test_a_slow_body_is_cut_and_holds_no_thread_of_rvm(hurried: Front, web: Web) -> None:
    before = len(web.requests)
    with hurried.connect() as connection:
        connection.sendall(
            f"POST /carriers/{SECRET}/ HTTP/1.1\r\nHost: {NAME}:{hurried.port}\r\nContent-Length: 1000\r\n\r\n{{".encode()
        )
        time.sleep(BODY_SECONDS / 2)  # the body is late, and RVM must not have heard of it
        assert len(web.requests) == before
        seconds, said = ended_after(connection)
    assert seconds < BODY_SECONDS + 3 and b" 404 " not in said


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in pieces"])
@pytest.mark.parametrize(("path", "megabytes"), [("carriers/x/", 2), ("recordings", 10), ("campaigns/x/imports", 107)])
def test_a_body_beyond_its_area_is_refused(front: Front, web: Web, path: str, megabytes: int, announced: bool) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(MEGABYTE)

    address, headers = (f"/{path}", {}) if path.startswith("carriers") else api(web, path)
    with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):  # it need not read what it refuses
        status, _, _ = front.send("POST", address, bytes(megabytes * MEGABYTE) if announced else pieces(), headers)
        assert status == 413 or (
            status == 411 and not announced
        )  # RVM wants the length of what it is sent over the API


def test_recordings_of_8_megabytes_and_lists_of_100_pass(front: Front, web: Web) -> None:
    body, kind = form("audio", "reminder.mp3", bytes(8 * 1024 * 1024))
    address, headers = api(web, "recordings")
    status, _, answer = front.send("POST", address, body, {**headers, "Content-Type": kind})
    assert status == 422 and b"The recording was refused" in answer  # by RVM, which has read it
    sound = upload(front, web, "recordings", "audio", "reminder.mp3", recording_file())
    address, headers = api(web, "campaigns")
    new = {
        "name": "Flu shots",
        "use_case_id": str(web.sample.use_case.pk),
        "recording_id": sound["recording_id"],
    }
    status, _, answer = front.send(
        "POST", address, json.dumps(new).encode(), {**headers, "Content-Type": "application/json"}
    )
    assert status == 201, answer
    row = f"{next(numbers_of_nobody())},{'x' * 4000}\r\n".encode()
    content = b"Mobile phone,Note\r\n" + row * ((99 * MEGABYTE) // len(row))
    campaign = json.loads(answer)["campaign_id"]
    assert upload(front, web, f"campaigns/{campaign}/imports", "file", "patients.csv", content)["import_id"]


def test_people_sign_in_at_a_port_of_its_own_and_address_and_scheme_are_those_that_it_sees(
    front: Front, web: Web
) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9, 127.0.0.7",
        "X_Forwarded_For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Ssl": "off",
        "X-Forwarded-Protocol": "http",
        "X-Forwarded-Host": "evil.example.com",
        "Forwarded": "for=203.0.113.9;proto=http",
        "X-Real-Ip": "203.0.113.9",
        "SCRIPT_NAME": "/evil",
        "PATH_INFO": "/metrics",
        "Connection": "close, X-Forwarded-For, X-Forwarded-Proto",
    }
    assert sign_in(front, web, forged) == 302
    with psycopg.connect(web.database) as connection:
        rows = connection.execute(
            "SELECT DISTINCT host(address) FROM platform_auditevent WHERE action = 'user.signed_in'"
        ).fetchall()
    assert rows == [("127.0.0.2",)]


def test_numbers_for_monitors_stay_on_the_machine(front: Front) -> None:
    assert front.send("GET", "/metrics", headers={"PATH_INFO": "/metrics"})[0] in (403, 404)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: ",
        f"POST /carriers/x/ HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\n{{".encode(),
        f"POST /admin/ HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 90000000\r\n\r\n{{".encode(),
    ],
    ids=["idle", "half a head", "half a body", "the beginning of a list"],
)
def test_a_crowd_that_sends_nothing_more_keeps_nobody_waiting(front: Front, web: Web, said: bytes) -> None:
    address, headers = api(web, "campaigns")
    with ExitStack() as crowd:
        for _ in range(CROWD):
            connection = crowd.enter_context(front.connect())
            if said:
                connection.sendall(said)
        waits = []
        for _ in range(5):
            begun = time.monotonic()
            assert front.send("GET", address, headers=headers)[0] == 200
            waits.append(time.monotonic() - begun)
        assert sorted(waits)[2] < 5  # the crowd is not cut sooner than after ten
        assert held(web) <= 1  # the last one of ours may still be ending


def problem(answer: tuple[int, Mapping[str, str], bytes], code: str) -> Mapping[str, str]:
    """The headers of an answer that is this problem."""
    status, headers, body = answer
    told = json.loads(body)
    assert headers["Content-Type"] == "application/problem+json" and headers["Cache-Control"] == "no-store"
    assert (told["status"], told["code"]) == (status, code)
    assert told["request_id"] == headers["X-Request-Id"] and len(told["request_id"]) > 30
    return headers


def test_what_the_proxy_refuses_itself_is_a_problem(front: Front, front_of_nobody: Front, web: Web) -> None:
    address, headers = api(web, "recordings")
    # It is refused by its announced length, before any of it is sent.
    problem(
        front.send("POST", address, iter(()), {**headers, "Content-Length": str(10 * MEGABYTE)}), "upload_too_large"
    )
    away = problem(front_of_nobody.send("POST", address, b"{}"), "unavailable")
    assert away["Retry-After"] == "5"


def test_an_address_too_long_for_rvm_is_its_problem(front: Front, web: Web) -> None:
    problem(front.send("GET", "/v1/" + "x" * 5000), "uri_too_long")
    problem(front.send("GET", "/v1/x", headers={"A": "x" * 8190}), "headers_too_large")


def test_callers_by_another_name_get_nothing(front: Front) -> None:
    context = ssl.create_default_context(cafile=str(front.certificate.chain))
    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection(("127.0.0.1", front.port)) as plain:
        context.wrap_socket(plain, server_hostname="other.example.com")


def test_a_stream_of_events_passes_piece_by_piece(front: Front, web: Web) -> None:
    address, headers = api(web, "events/stream")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with front.connect() as client, psycopg.connect(web.database, autocommit=True) as database:
        client.sendall(f"GET {address} HTTP/1.1\r\nHost: {NAME}\r\n{lines}\r\n".encode())
        said = b""
        while b"retry: " not in said:
            said += client.recv(4096)
        workspace = web.sample.workspace.pk
        database.execute(
            f"INSERT INTO platform_outbox ({COLUMNS}) VALUES (%s, true, 'voicemail.accepted', %s, clock_timestamp(), '{{}}')",
            [workspace, workspace],
        )
        database.execute(publisher._PUBLISH, [publisher.BATCH])
        while b"event: voicemail.accepted\ndata: {" not in said:
            piece = client.recv(4096)
            assert piece, said
            said += piece
    assert b"\r\ncontent-encoding:" not in said.lower()
