"""After every kind of work no marker of a patient is in a log, in Redis, in an address, in PostgreSQL's log or in a temporary file.

The platform runs as real processes, with PostgreSQL's log set as docs/operate/postgresql.md says and little memory, so that sorts go
to files. `hooks` lets processes crash while they hold a number and a name. What a vendor is sent holds the number by design: its
ledger is not searched.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.db.models import F
from pytest_django.plugin import DjangoDbBlocker

from rvm.devtools.sample import recording_file
from rvm.platform.models import Organisation
from rvm.simulators.sandbox.signatures import signature as sandbox_signature
from tests.chaos.scene import Scene, exchange, scene
from tests.chaos.servers import Servers, django_on, own_servers
from tests.docs.pages import DOCS
from tests.privacy.markers import NAMES, NUMBERS, found_in
from tests.privacy.places import Watch, in_files, in_redis, in_tables, searched
from tests.rvm.spreadsheets.books import book
from usecases.inbound.service import create_secret
from usecases.inbound.signatures import signature

HOOKS = Path(__file__).with_name("hooks")
SINGLE, BATCH, CSV, XLSX, WRONG, ADDRESS, SUPPRESSED, CONSENTED = NUMBERS[:8]
LISTED, TEXTED, PAGE, CRASH_API, CRASH_WORKER, VENDOR, DESK, FORM = NUMBERS[8:]
WILHELMINE, QUISQUILIA, OTTOKARINE, ZEPHYRINUS = NAMES
STATEMENT = {"consent_statement": "Asked at registration."}


@pytest.fixture(scope="module")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[Servers]:
    """With the log that the docs recommend, and every other message that can be switched on."""
    recommended = re.findall(r"^    (log_\w+) = (\S+)$", (DOCS / "operate" / "postgresql.md").read_text(), re.MULTILINE)
    assert len(recommended) >= 8
    more = {"work_mem": "64kB", "log_temp_files": "0", "log_lock_waits": "on", "log_connections": "on"}
    with django_db_blocker.unblock(), own_servers() as started:
        with psycopg.connect(started.database_url("postgres"), autocommit=True) as connection:
            for name, value in [*recommended, *more.items()]:
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
        yield started


@pytest.mark.parametrize(
    "spelled",
    ["+12125550187", "(212) 555-0187", "212.555.0187", "%2B12125550187", "212%20555%200187", "212&nbsp;555&#8209;0187"],
)
def test_a_marker_is_found_however_it_is_written(spelled: str) -> None:
    for content in (
        spelled.encode(),
        base64.b64encode(f'{{"to": "{spelled}"}}'.encode()),
        base64.urlsafe_b64encode(f"x{spelled}".encode()),
    ):
        assert found_in(b"to=" + content + b" failed"), content
    assert found_in(b"212 555 0187".replace(b" ", b"").hex().encode()) and found_in(b"Dear WILHELMINE")
    assert not found_in("\u2022\u2022\u2022\u2022 0187".encode())


class Work:
    """All kinds of work, over the scene's own HTTP."""

    def __init__(self, stage: Scene) -> None:
        self.stage, self.web, self.port = stage, stage.stack.web_url, stage.stack.web_port
        self.use_case = str(stage.sample.use_case.id)
        self.recording = stage.upload()["recording_id"]
        self.api = {"Authorization": f"Bearer {stage.sample.api_key}", "Content-Type": "application/json"}
        self.at = f"/v1/{stage.sample.workspace.id}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return exchange(self.port, method, path, content, {**self.api, **headers})

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, content = self.ask(method, f"{self.at}/{path}", body, **headers)
        assert 200 <= status < 300, f"{method} {path}: {status} {content[:300]!r}"
        return json.loads(content) if content[:1] in (b"{", b"[") else content

    def to(self, number: str, **more: Any) -> dict[str, Any]:
        return {"use_case_id": self.use_case, "recording_id": self.recording, "recipient_phone_number": number, **more}

    # the API

    def sends(self) -> None:
        self.call("POST", "voicemail", self.to(SINGLE, record_number=f"MRN {WILHELMINE}"))
        people = [
            {"recipient_phone_number": BATCH, "record_number": f"MRN {ZEPHYRINUS}"},
            {"recipient_phone_number": "12"},
        ]
        body = {"use_case_id": self.use_case, "recording_id": self.recording, "recipients": people}
        self.call("POST", "voicemail/batch", body)
        form = {"use_case_id": self.use_case, "recipient_phone_number": FORM}
        files = {"audio": (f"For {FORM}.mp3", recording_file(), "audio/mpeg")}
        authorized = {"Authorization": self.api["Authorization"]}
        sent = requests.post(f"{self.web}{self.at}/voicemail", form, files=files, headers=authorized, timeout=30)
        assert sent.status_code == 201, sent.text
        self.call("POST", "voicemail", self.to(CRASH_WORKER, record_number=QUISQUILIA))
        self.call("POST", "voicemail", self.to(VENDOR))

    def asks(self) -> None:
        number = SINGLE.replace("+", "%2B")
        self.call("GET", f"voicemail?recipient_phone_number={number}")
        self.call("POST", "voicemail/search", {"recipient_phone_number": SINGLE})
        self.call("GET", f"voicemail/export?recipient_phone_number={number}")
        self.call("POST", "eligibility", {"use_case_id": self.use_case, "recipient_phone_number": SINGLE})
        self.call("POST", "people/search", {"recipient_phone_number": SINGLE})

    def says_wrong(self) -> None:
        """Requests that are refused, with the number in each part of them."""
        shown, spaced, encoded = WRONG[2:], f"({WRONG[2:5]}) {WRONG[5:8]}-{WRONG[8:]}", "%2B" + ADDRESS[1:]
        for body in (
            self.to(WRONG + "9"),
            self.to(spaced, use_case_id=WRONG),
            self.to(WRONG, **{WRONG: WILHELMINE}),
            self.to(WRONG, not_before=f"{WILHELMINE} {WRONG}"),
            self.to(WRONG, sender_phone_number=shown, live=spaced),
            [WRONG],
            f'{{"recipient_phone_number": "{WRONG}", {WILHELMINE}'.encode(),
        ):
            status, _ = self.ask("POST", f"{self.at}/voicemail", body)
            assert 400 <= status < 500, status
        for method, path in (
            ("GET", f"{self.at}/voicemail/{encoded}"),
            ("GET", f"{self.at}/{encoded}/{ADDRESS}"),
            ("GET", f"{self.at}/voicemail?recipient_phone_number={encoded}&limit={ADDRESS[1:]}&{encoded}=1"),
            ("GET", f"{self.at}/voicemail?continuation_token={encoded}"),
            ("PATCH", f"{self.at}/voicemail/{encoded}?number={encoded}"),
            ("GET", f"/{encoded}"),
            ("GET", f"/{encoded}/recipient/{ADDRESS}?n={encoded}"),
            ("GET", f"/admin/{encoded}/?q={encoded}"),
            ("GET", f"/recordings/{encoded}.mp3"),
            ("POST", f"/carriers/{ADDRESS[1:]}/?to={encoded}"),
            ("GET", f"/opt-out/{ADDRESS[1:]}?lang={encoded}"),
            ("GET", f"/accounts/login/?next=/admin/{encoded}"),
            ("DELETE", f"/docs?{encoded}"),
            ("GET", f"{self.at}/voicemail/{WILHELMINE}"),
            ("GET", f"/{WILHELMINE}/{WILHELMINE}"),
            ("GET", f"/admin/delivery/voicemail/{WILHELMINE}/change/"),
            ("GET", f"/opt-out/{WILHELMINE}"),
        ):
            status, _ = self.ask(method, path)
            assert status < 500, f"{method} {path}: {status}"
        named = {"X-Request-Id": ADDRESS[1:], "User-Agent": f"agent {ADDRESS}", "Referer": f"{self.web}/?to={encoded}"}
        self.call("GET", "voicemail", **named)
        self.ask("GET", f"{self.at}/voicemail", Authorization=f"Bearer {ADDRESS}")
        with socket.create_connection(("127.0.0.1", self.port)) as raw:
            raw.sendall(f"GET /{ADDRESS} {WILHELMINE} HTTP/9.9\r\nHost: {ADDRESS}\r\n\r\n".encode())
            raw.recv(1000)

    def crashes(self) -> None:
        status, _ = self.ask("POST", f"{self.at}/voicemail", self.to(CRASH_API, record_number=f"MRN {WILHELMINE}"))
        assert status == 500

    # suppressions, consents and what people say

    def suppresses(self) -> None:
        reason = {"recipient_phone_number": SUPPRESSED, "reason": "opt_out"}
        self.call("POST", "suppressions", reason)
        consent = {"source": "signed form", "given_at": "2026-03-02T15:00:00Z", "evidence": f"Signed by {OTTOKARINE}."}
        consent |= {"recipient_phone_number": CONSENTED, "purposes": ["appointment"]}
        self.call("POST", "consents", consent)
        content = f"Phone,Name,Reason\r\n{LISTED},{ZEPHYRINUS},Called from {LISTED}\r\n{LISTED[2:]}99,{ZEPHYRINUS},\r\n"
        sent = self.stage.send_file("opt-out-lists", "file", f"stop {LISTED}.csv", content.encode())
        place = f"opt-out-lists/{sent['opt_out_list_id']}"
        self.finish(place, "checked", "completed", {})

    def hears(self, organisation: Organisation, secret: str) -> None:
        for body, status in (
            ({"from": TEXTED, "text": f"STOP, says {WILHELMINE}"}, 200),
            ({"from": f"{TEXTED}99999", "text": WILHELMINE}, 400),
            ({"from": TEXTED, "words": WILHELMINE}, 400),
        ):
            raw, at, name = (
                json.dumps(body).encode(),
                str(int(time.time())),
                f"m-{status}-{len(body)}-{time.monotonic_ns()}",
            )
            signed = {
                "Webhook-Id": name,
                "Webhook-Timestamp": at,
                "Webhook-Signature": signature(secret, name, at, raw),
            }
            answer, content = self.ask("POST", f"/inbound/{organisation.slug}", raw, **signed)
            assert answer == status, content
        self.ask("POST", f"/inbound/{organisation.slug}", json.dumps({"from": TEXTED, "text": "stop"}).encode())
        with requests.Session() as browser:
            address = f"{self.web}/opt-out/{organisation.slug}"
            for number in (PAGE, f"{PAGE} or {WILHELMINE}"):
                token = re.search(r'csrfmiddlewaretoken" value="(\w+)', browser.get(address, timeout=30).text)
                assert token
                browser.post(address, {"number": number, "csrfmiddlewaretoken": token[1]}, timeout=30)

    # a campaign

    def finish(self, place: str, *states: str | dict[str, str]) -> None:
        first, last, confirmation = states
        self.call("POST", f"{place}/check", {})
        self.stage.wait("the list is checked", lambda: self.stage.get(place)["state"] == first)
        self.call("POST", f"{place}/confirm", confirmation)
        self.stage.wait("the list is taken over", lambda: self.stage.get(place)["state"] == last)

    def campaigns(self) -> None:
        new = {"name": "Flu shots", "use_case_id": self.use_case, "recording_id": self.recording}
        at = f"campaigns/{self.call('POST', 'campaigns', new)['campaign_id']}"
        rows = [
            ("First name", "Mobile phone", "MRN"),
            (WILHELMINE, CSV, f"MRN {WILHELMINE}"),
            (ZEPHYRINUS, f"{CSV}x9", ""),
        ]
        rows += [(f"Nobody {row}", "12", "") for row in range(200)]
        csv = "\r\n".join(",".join(row) for row in rows).encode()
        workbook = book(
            [("First name", "Phone", "MRN"), (OTTOKARINE, XLSX, f"MRN {OTTOKARINE}"), (QUISQUILIA, "none", "")]
        )
        for name, content in ((f"clinic {CSV}.csv", csv), (f"clinic {XLSX}.xlsx", workbook)):
            place = f"{at}/imports/{self.stage.send_file(f'{at}/imports', 'file', name, content)['import_id']}"
            self.finish(place, "checked", "completed", STATEMENT)
            self.call("GET", f"{place}/errors")
        self.call("GET", f"{at}/preview")
        self.call("POST", f"{at}/launch", {})
        self.call("POST", f"{at}/withdrawals", {"items": [f"MRN {OTTOKARINE}", f"{CSV}9999", WILHELMINE]})
        self.call("POST", "people/search", {"name": WILHELMINE, "campaign_id": at.removeprefix("campaigns/")})
        for what in ("stats", "export"):
            self.call("GET", f"{at}/{what}")

    # what a vendor says

    def reports(self) -> None:
        wanted = "SELECT d.id, v.id FROM delivery_drop d JOIN delivery_voicemail v ON v.id = d.voicemail_id WHERE v.last4 = %s"
        stage = self.stage
        stage.wait("drops were made", lambda: len(stage.rows(wanted, "0187")) >= 5)
        drop = stage.rows(wanted, "0187")[0][0]
        event = {"event_id": "vendor-1", "id": "vendor-1", "reference": str(drop), "status": "failed", "code": VENDOR}
        event |= {
            "text": f"to: ({VENDOR[2:5]}) {VENDOR[5:8]}-{VENDOR[8:]} is not a number",
            "occurred_at": "2026-03-02T15:00:00Z",
        }
        for body in ({"events": [event]}, {"events": [{**event, "reference": VENDOR}]}, {"events": VENDOR}, VENDOR):
            raw, at = json.dumps(body).encode(), str(int(time.time()))
            signed = {
                "X-Sandbox-Timestamp": at,
                "X-Sandbox-Signature": sandbox_signature(stage.stack.signing_secret, at, raw),
            }
            for headers in (signed, {}):
                status, _ = self.ask("POST", f"/carriers/{stage.token}/", raw, **headers)
                assert status < 500
        merged = "SELECT 1 FROM delivery_carrierreport WHERE event_id = 'vendor-1' AND merged_at IS NOT NULL"
        stage.wait("the vendor's report is merged", lambda: bool(stage.rows(merged)))

    # the desk

    def desk(self) -> None:
        with requests.Session() as browser:

            def post(path: str, **form: str) -> requests.Response:
                token = browser.cookies.get("csrftoken", "")
                headers = {"Referer": f"{self.web}{path}"}
                answer = browser.post(
                    f"{self.web}{path}", {"csrfmiddlewaretoken": token, **form}, headers=headers, timeout=60
                )
                assert answer.status_code < 500, f"{path}: {answer.status_code}"
                return answer

            browser.get(f"{self.web}/accounts/login/", timeout=30)
            post("/accounts/login/", login=DESK, password=WILHELMINE)
            sample = self.stage.sample
            signed_in = post("/accounts/login/", login=sample.username, password=sample.password)
            assert "/admin/" in signed_in.url, signed_in.url
            person = post("/admin/people/", by="identifier", sought=SINGLE)
            assert person.status_code == 200
            for table in ("delivery/voicemail", "usecases/suppression", "usecases/consent"):
                for sought in (SINGLE, f"{DESK} {WILHELMINE}"):
                    post(f"/admin/{table}/find/", sought=sought)
            voicemail = self.stage.rows("SELECT id FROM delivery_voicemail LIMIT 1")[0][0]
            for path in (
                f"/admin/delivery/voicemail/{voicemail}/change/",
                "/admin/delivery/voicemail/export/",
                f"/admin/delivery/voicemail/?q={DESK}&reason={WILHELMINE}",
                "/admin/",
                "/admin/usecases/suppression/export/",
                f"/admin/campaigns/campaign/?q={DESK}",
            ):
                assert browser.get(f"{self.web}{path}", timeout=60).status_code < 500, path
            suppression = {"recipient": DESK, "number": DESK, "reason": f"{WILHELMINE}"}
            post("/admin/usecases/suppression/add/", **{**suppression, "workspace": ""})


@pytest.mark.timeout(300)
def test_no_marker_is_left_behind_after_every_kind_of_work(servers: Servers, tmp_path: Path) -> None:
    temporary, written = tmp_path / "tmp", tmp_path / "written"
    temporary.mkdir()
    variables = {"TMPDIR": str(temporary), "PYTHONPATH": str(HOOKS), "RVM_TEST_WRITTEN": str(written)}
    platform = tmp_path / "platform"
    options = {"dispatchers": 1, "variables": variables, "sandbox_options": ("--report-after-ms", "100")}
    with scene(servers, platform, "markers", **options) as stage:
        with django_on(stage.database_url):
            organisation = stage.sample.workspace.organisation
            Organisation.objects.filter(pk=organisation.pk).update(opt_out_page=True, opt_out_keys=F("opt_out_keys"))
            _, secret = create_secret(organisation, actor=None)
        processes = [child.pid for child in stage.children.processes.values()]
        [spills] = {path.parent.parent / "base" for path in servers.logs[0].parent.glob("*/base")} or [temporary]
        with Watch(servers.redis_url, [temporary, spills / "pgsql_tmp"], processes) as watch:
            work = Work(stage)
            work.sends()
            work.campaigns()
            work.suppresses()
            work.hears(organisation, secret)
            work.asks()
            work.says_wrong()
            work.crashes()
            work.reports()
            work.desk()
            crashed = platform / "dispatch-1.log"
            stage.wait("a worker could not build a request", lambda: b"request_not_built" in crashed.read_bytes())
            ended = "SELECT 1 FROM delivery_voicemail WHERE status IN ('delivered', 'failed')"
            stage.wait("voicemails have ended", lambda: len(stage.rows(ended)) >= 4)
            # As a statement of ours could fail: the server's log gets a line, without the key.
            with psycopg.connect(stage.database_url, autocommit=True) as connection:
                connection.execute("CREATE TEMPORARY TABLE once (name text PRIMARY KEY)")
                insert = "INSERT INTO once VALUES (%s)"
                connection.execute(insert, [f"{WILHELMINE} {SINGLE}"])
                with pytest.raises(psycopg.errors.UniqueViolation):
                    connection.execute(insert, [f"{WILHELMINE} {SINGLE}"])
            left = {**searched(in_redis(servers.redis_url)), **searched(in_tables(stage.database_url))}
        left |= searched(watch.contents())
    logs = b"".join(path.read_bytes() for path in servers.logs)
    assert b"duplicate key value violates unique constraint" in logs and b"temporary file" in logs
    told = b"".join(path.read_bytes() for path in platform.glob("*.log*"))
    for event in (
        b"RuntimeError",
        b"LookupError",
        b"job_failed",
        b"tick_step_failed",
        b'"status": 500'.replace(b" ", b""),
    ):
        assert event in told, event
    left |= searched({"the log of PostgreSQL": logs})
    left |= searched(in_files(temporary))
    left |= searched((name, content) for name, content in in_files(platform) if name != stage.stack.ledger.name)
    assert left == {}
    assert unexpected(written.read_bytes().decode().splitlines(), platform, temporary) == set()


def unexpected(paths: list[str], platform: Path, temporary: Path) -> set[str]:
    """Files that a process opened for writing, which are neither searched above nor code that Python compiles."""
    searched_ones = (str(platform), str(temporary), "/dev/null", "/proc/self/")
    return {path for path in paths if not path.startswith(searched_ones) and "__pycache__" not in path}
