"""Drop Cowboy's documented behaviour on a loopback port: uploads, sends under idempotency keys, post-backs and signed webhooks.

Written from the vendor's pages that `delivery/carriers/drop_cowboy.py` names, and from nothing of that adapter.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, web

KEY, SECRET, SIGNING_SECRET, LINE = "account-key", "account-secret", "signing-secret", "e2b6f9a3-line"

# docs/concepts/test-numbers.md, ringless voicemail: the last four digits, the reason code and its text.
SIMULATED: dict[str, tuple[int, str]] = {
    "0001": (0, ""),
    "0002": (4000, "VoiceMail Not Detected"),
    "0004": (4005, "No Answer"),
    "0005": (4006, "User Busy"),
    "0006": (4004, "Number not reachable"),
    "0090": (4016, "Internal DNC"),
    "0091": (4017, "Known Litigator"),
    "0092": (4019, "RND Reassigned"),
    "0093": (4021, "RND Error"),
    "0094": (6000, "Carrier Denied Use Case"),
    "0095": (6002, "Pool Suspended"),
    "0097": (4013, "Too Many Attempts"),
    "0098": (6005, "Opt-in Revoked"),
    "0099": (6011, "Opt-in Missing"),
}


@dataclass
class Simulator:
    """One account. Set `answers` or `storage_answers` to have the next requests answered by these statuses and otherwise ignored."""

    port: int = 0
    webhook_url: str = ""  # a registered webhook for contact.rvm.status; none while empty
    loses_post_backs: bool = False
    answers: list[int] = field(default_factory=list)
    answers_after: list[int] = field(default_factory=list)  # as `answers`, but the send is put in line first
    storage_answers: list[int] = field(default_factory=list)
    media_answers: list[int] = field(default_factory=list)
    content_type: str = "audio/mpeg"
    media: dict[str, bytes | None] = field(default_factory=dict)  # by id; None until the bytes came
    ready: set[str] = field(default_factory=set)
    keys: dict[str, Any] = field(default_factory=dict)
    processed: Counter[str] = field(default_factory=Counter)  # sends that went out, by foreign_id
    requests: Counter[str] = field(default_factory=Counter)
    leaked: list[str] = field(default_factory=list)  # what storage saw that it must not see
    delivered: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)  # kind, answer, body
    pending: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "key": KEY,
            "secret": SECRET,
            "phone_line_id": LINE,
            "signing_secret": SIGNING_SECRET,
            "base_url": self.base_url,
        }

    def app(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/rvm", self._rvm)
        app.router.add_post("/media/public/media", self._create)
        app.router.add_put("/storage/{media_id}", self._store)
        app.router.add_post("/media/public/media/{media_id}/complete", self._complete)
        return app

    # media

    async def _create(self, request: web.Request) -> web.Response:
        self.requests["create"] += 1
        if self.media_answers:
            return _problem(self.media_answers.pop(0))
        if not _is_ours(request):
            return _problem(401)
        body = await request.json()
        assert (body["type"], body["signed_upload"]) == ("rvm", True)
        media_id = str(uuid4())
        self.media[media_id] = None
        targets = {
            kind: {"url": f"{self.base_url}/storage/{media_id}?signature={kind}", "content_type": content_type}
            for kind, content_type in (("mp3", self.content_type), ("wav", "audio/wav"))
        }
        return _data({"media_id": media_id, "upload": targets})

    async def _store(self, request: web.Request) -> web.Response:
        self.requests["put"] += 1
        self.leaked += [name for name in ("x-key", "x-secret", "Authorization") if name in request.headers]
        if self.storage_answers:
            return web.Response(status=self.storage_answers.pop(0))
        if request.headers.get("Content-Type") != self.content_type or request.query.get("signature") != "mp3":
            return web.Response(status=403)
        self.media[request.match_info["media_id"]] = await request.read()
        return web.Response()

    async def _complete(self, request: web.Request) -> web.Response:
        self.requests["complete"] += 1
        media_id = request.match_info["media_id"]
        if not _is_ours(request):
            return _problem(401)
        if self.media.get(media_id) is None:
            return _problem(404)
        self.ready.add(media_id)
        return _data({"media_id": media_id})

    # sends

    async def _rvm(self, request: web.Request) -> web.Response:
        self.requests["rvm"] += 1
        if self.answers:
            status = self.answers.pop(0)
            return _problem(status, {"Retry-After": "1"} if status == 429 else None)
        if "x-key" not in request.headers or "x-secret" not in request.headers:
            return _problem(401)
        self._put_in_line(request, await request.json())
        if self.answers_after:
            return _problem(self.answers_after.pop(0))
        return web.json_response({"status": "queued", "message_id": str(uuid4())}, status=202)

    def _put_in_line(self, request: web.Request, body: dict[str, Any]) -> None:
        key = request.headers.get("Idempotency-Key", "")
        known, self.keys[key] = self.keys.get(key), self.keys.get(key, body)
        if not _is_ours(request):
            self._report(body, 3007, "Invalid API key", webhook=False)
        elif not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
            self._report(body, 3028, "Invalid Idempotency-Key")
        elif known is not None:
            if known != body:
                self._report(body, 3027, "Idempotency-Key reused")
        else:
            self.processed[body["foreign_id"]] += 1
            self._report(body, *self._result(body))

    def _result(self, body: dict[str, Any]) -> tuple[int, str]:
        if ("phone_line_id" in body) == ("caller_id" in body):
            return 4010, "No phone line"
        if body.get("media_id") not in self.ready:
            return 3001, "Audio file not valid"
        return SIMULATED.get(body["to"][-4:], (0, ""))

    # results

    def _report(self, body: dict[str, Any], code: int, reason: str, webhook: bool = True) -> None:
        drop_id, sender = str(uuid4()), body.get("caller_id", "+15550019999")
        result = {"status": "failure" if code else "success", "reason": reason, "reason_code": code, "drop_id": drop_id}
        if not self.loses_post_backs:
            self._later("post-back", body["callback_url"], _post_back(body, sender) | result)
        if webhook and self.webhook_url:
            self._later("webhook", self.webhook_url, _event(body, sender, result))

    def _later(self, kind: str, url: str, body: dict[str, Any]) -> None:
        self.pending += 1
        task = asyncio.ensure_future(self._deliver(kind, url, body))
        task.add_done_callback(lambda done: done.result())

    async def _deliver(self, kind: str, url: str, body: dict[str, Any]) -> None:
        raw = orjson.dumps(body)
        tries = 3 if kind == "webhook" else 1
        try:
            async with ClientSession(timeout=ClientTimeout(5 if kind == "webhook" else 10)) as session:
                for attempt in range(1, tries + 1):
                    headers = {"Content-Type": "application/json"}
                    if kind == "webhook":
                        headers |= signed(raw) | {"X-Event-Id": body["event_id"], "X-Attempt": str(attempt)}
                    try:
                        async with session.post(url, data=raw, headers=headers) as answer:
                            self.delivered.append((kind, answer.status, body))
                            if answer.status not in (408, 429) and answer.status < 500:
                                return
                    except (ClientError, TimeoutError):
                        self.delivered.append((kind, 0, body))
                    await asyncio.sleep(0.05)  # a minute and five minutes at the vendor
        finally:
            self.pending -= 1


def signed(raw: bytes, timestamp: str = "", secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers of a webhook delivery."""
    timestamp = timestamp or str(int(time.time()))
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return {"X-Timestamp": timestamp, "X-Signature": f"sha256={digest}", "X-Signature-Version": "v1"}


def _is_ours(request: web.Request) -> bool:
    return (request.headers.get("x-key"), request.headers.get("x-secret")) == (KEY, SECRET)


def _data(data: dict[str, Any]) -> web.Response:
    return web.json_response({"data": data, "meta": {"request_id": str(uuid4())}})


def _problem(status: int, headers: dict[str, str] | None = None) -> web.Response:
    body = {"type": "about:blank", "title": f"Status {status}", "status": status, "detail": "As documented."}
    return web.json_response(body, status=status, headers=headers)


def _post_back(body: dict[str, Any], sender: str) -> dict[str, Any]:
    """fixtures/callback.rvm-success.json"""
    return {
        "team_id": str(uuid4()),
        "session_id": str(uuid4()),
        "log_id": str(uuid4()),
        "contact_id": str(uuid4()),
        "phone_number": body["to"],
        "caller_id": sender,
        "product_code": "rvm",
        "quantity": 1,
        "product_cost": 0.04,
        "compliance_fee": 0,
        "tts_fee": 0,
        "dnc": False,
        "attempt_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "foreign_id": body["foreign_id"],
    }


def _event(body: dict[str, Any], sender: str, result: dict[str, Any]) -> dict[str, Any]:
    """fixtures/webhook.rvm-status.json: no foreign_id."""
    return {
        "event_id": str(uuid4()),
        "event": "contact.rvm.status",
        "event_at": int(time.time() * 1000),
        "data": {"team_id": str(uuid4()), "contact_id": str(uuid4()), "campaign_id": None, "campaign_type": "rvm"}
        | result
        | {"to": body["to"], "from": sender},
    }


@contextmanager
def drop_cowboy() -> Iterator[Simulator]:
    """The simulated vendor on a loopback port, in a thread of its own."""
    simulator = Simulator()
    ready = threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        runner = web.AppRunner(simulator.app(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        simulator.port = runner.addresses[0][1]
        running.append((asyncio.get_running_loop(), stop := asyncio.Event()))
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    loop, stop = running[0]
    try:
        yield simulator
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()
