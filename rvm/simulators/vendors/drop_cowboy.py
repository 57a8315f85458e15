"""Drop Cowboy, version 2: uploads, sends under idempotency keys, post-backs and signed webhooks.

Written from the vendor's public repository Drop-Cowboy/dropcowboy at a0e60aa: examples/api/CONTRACT.md and its fixtures,
docs/concepts/test-numbers.md, send-results.md, webhooks.md and idempotency.md, docs/troubleshooting.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from rvm.simulators.framework.vendor import Handler, Options, Request, Vendor
from rvm.simulators.sandbox.audio import is_usable
from rvm.simulators.sandbox.outcomes import SANDBOX_PREFIX, Plan

Result = tuple[int, str]  # reason_code and reason

# docs/concepts/test-numbers.md, ringless voicemail: the vendor's own numbers, of which most are the sandbox's too.
SIMULATED: Mapping[str, Result] = {
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
# Of any other number, by the sandbox's code.
RESULTS: Mapping[str, Result] = {
    "delivered": (0, ""),
    "voicemail_not_detected": (4000, "VoiceMail Not Detected"),
    "no_answer": (4005, "No Answer"),
    "busy": (4006, "User Busy"),
    "unreachable": (4004, "Number not reachable"),
    "mailbox_not_set_up": (4001, "No Voicemail Set Up"),
    "mailbox_full": (4002, "Voicemail Full"),
    # The vendor rings nobody, so it finds no voicemail where a person or a fax machine would answer.
    "human_answered": (4000, "VoiceMail Not Detected"),
    "number_not_supported": (4000, "VoiceMail Not Detected"),
    "do_not_call": (4016, "Internal DNC"),
    "litigator": (4017, "Known Litigator"),
    "number_reassigned": (4019, "RND Reassigned"),
    "too_many_attempts": (4013, "Too Many Attempts"),
    "opted_out": (6005, "Opt-in Revoked"),
    "spam": (4008, "Spam"),
    "carrier_denied": (6000, "Carrier Denied Use Case"),
    "audio_unusable": (3001, "Audio file not valid"),
}
REFUSALS: Mapping[str, int] = {"refused": 422, "throttled": 429, "not_processed": 503}
WEBHOOK_WAITS = (60.0, 300.0)


SEND, CREATE = "POST /rvm", "POST /media/public/media"
STORE, COMPLETE = "PUT /storage/{media_id}", "POST /media/public/media/{media_id}/complete"


class Simulator(Vendor):
    name = "drop_cowboy"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.content_type = "audio/mpeg"  # of uploads
        self.media: dict[str, bytes | None] = {}  # by id; None until the bytes came
        self.ready: set[str] = set()
        self.keys: dict[str, Any] = {}  # the body that came first with each idempotency key

    @property
    def operations(self) -> dict[str, Handler]:
        return {
            SEND: self._rvm,
            CREATE: self._create,
            STORE: self._store,
            COMPLETE: self._complete,
        }

    @property
    def credentials(self) -> dict[str, str]:
        """With a signing secret where a webhook is registered, because the vendor makes one for each."""
        return {
            "key": self.secret("key"),
            "secret": self.secret("secret"),
            "phone_line_id": self.secret("line", 24),
            **({"signing_secret": self.signing_secret} if self.webhook_url else {}),
            "base_url": self.base_url,
        }

    @property
    def signing_secret(self) -> str:
        return self.secret("signing")

    def unauthorized(self, request: Request) -> web.Response | None:
        """A send answers 401 only where credentials are missing; wrong ones show in its result. Storage goes by its signature."""
        if request.operation == STORE:
            return None
        has_any = "x-key" in request.headers and "x-secret" in request.headers
        fits = self._is_ours(request) or (request.operation == SEND and has_any)
        return None if fits else self.problem(401)

    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        return self.problem(403 if request.operation == STORE else 400)

    def problem(self, status: int) -> web.Response:
        body = {"type": "about:blank", "title": f"Status {status}", "status": status, "detail": "As documented."}
        return web.json_response(body, status=status, headers={"Retry-After": "1"} if status == 429 else None)

    # media

    async def _create(self, request: Request) -> web.Response:
        media_id = str(uuid4())
        self.media[media_id] = None
        targets = {
            kind: {"url": f"{self.base_url}/storage/{media_id}?signature={kind}", "content_type": content_type}
            for kind, content_type in (("mp3", self.content_type), ("wav", "audio/wav"))
        }
        return _data({"media_id": media_id, "upload": targets})

    async def _store(self, request: Request) -> web.Response:
        if request.headers.get("content-type") != self.content_type or request.query.get("signature") != "mp3":
            return self.problem(403)
        self.media[request.path["media_id"]] = request.raw
        return web.Response()

    async def _complete(self, request: Request) -> web.Response:
        media_id = request.path["media_id"]
        if self.media.get(media_id) is None:
            return self.problem(404)
        self.ready.add(media_id)
        return _data({"media_id": media_id})

    # sends

    async def _rvm(self, request: Request) -> web.Response:
        body, key = request.body, request.headers.get("idempotency-key", "")
        plan = self.plan(body["to"])
        response = web.json_response({"status": "queued", "message_id": str(uuid4())}, status=202)
        known = self.keys.get(key)
        if not self._is_ours(request):
            self.spawn(self._report(body, plan, (3007, "Invalid API key"), webhook=False))
        elif not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
            self.spawn(self._report(body, plan, (3028, "Invalid Idempotency-Key")))
        elif known is not None:
            if known != body:
                self.spawn(self._report(body, plan, (3027, "Idempotency-Key reused")))
            else:
                self.ledger.replays += 1
        elif (refusal := self.refusal(body["to"], plan)) is not None:
            return self.problem(REFUSALS[refusal.code])
        else:
            self.keys[key] = body
            self.ledger.accepted[body["to"]] += 1
            if plan.code is not None:
                self.spawn(self._send(body, plan))
            return await self.answer(request, plan, response)
        return response

    async def _send(self, body: dict[str, Any], plan: Plan) -> None:
        await self.clock.sleep(self.delay(body["to"], plan))
        code, reason = self._result(body, plan)
        self.ledger.ends[plan.code or ""] += 1
        if code == 0:
            self.ledger.leave(body["to"], body["media_id"])
        await self._report(body, plan, (code, reason))

    def _result(self, body: dict[str, Any], plan: Plan) -> Result:
        if ("phone_line_id" in body) == ("caller_id" in body):
            return 4010, "No phone line"
        if body.get("media_id") not in self.ready or not is_usable(self.media[body["media_id"]] or b""):
            return RESULTS["audio_unusable"]
        own = SIMULATED.get(body["to"][-4:]) if body["to"].startswith(SANDBOX_PREFIX) else None
        return own or RESULTS[plan.code or "delivered"]

    # results

    async def _report(self, body: dict[str, Any], plan: Plan, result: Result, webhook: bool = True) -> None:
        code, reason = result
        said = {
            "status": "failure" if code else "success",
            "reason": reason,
            "reason_code": code,
            "drop_id": str(uuid4()),
        }
        for _ in range(self.times_reported(plan)):
            self.spawn(self._post_back(body, said))
        if webhook and self.webhook_url:
            self.spawn(self._webhook(body, said))

    async def _post_back(self, body: dict[str, Any], said: dict[str, Any]) -> None:
        """fixtures/callback.rvm-success.json: one attempt, unsigned."""
        result = {
            "team_id": str(uuid4()),
            "session_id": str(uuid4()),
            "log_id": str(uuid4()),
            "contact_id": str(uuid4()),
            "phone_number": body["to"],
            "caller_id": body.get("caller_id", "+15550019999"),
            "product_code": "rvm",
            "quantity": 1,
            "product_cost": 0.04,
            "compliance_fee": 0,
            "tts_fee": 0,
            "dnc": False,
            "attempt_date": self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "foreign_id": body["foreign_id"],
        } | said
        headers = {"Content-Type": "application/json"}
        await self.outbound.post("post-back", body["callback_url"], orjson.dumps(result), headers)

    async def _webhook(self, body: dict[str, Any], said: dict[str, Any]) -> None:
        """fixtures/webhook.rvm-status.json: no foreign_id; signed, and posted three times in all."""
        data = {"team_id": str(uuid4()), "contact_id": str(uuid4()), "campaign_id": None, "campaign_type": "rvm"} | said
        event_id = str(uuid4())
        event = {
            "event_id": event_id,
            "event": "contact.rvm.status",
            "event_at": int(self.clock.now().timestamp() * 1000),
            "data": data | {"to": body["to"], "from": body.get("caller_id", "+15550019999")},
        }
        raw = orjson.dumps(event)
        await self.outbound.deliver(
            "webhook",
            self.webhook_url,
            raw,
            lambda attempt: self._signed(raw) | {"X-Event-Id": event_id, "X-Attempt": str(attempt)},
            waits=WEBHOOK_WAITS,
            timeout=5,
        )

    def _signed(self, raw: bytes) -> dict[str, str]:
        return signed(raw, self.clock.seconds(), self.signing_secret)

    def _is_ours(self, request: Request) -> bool:
        ours = self.credentials
        return (request.headers.get("x-key"), request.headers.get("x-secret")) == (ours["key"], ours["secret"])


def signed(raw: bytes, timestamp: str, secret: str) -> dict[str, str]:
    """The headers of a webhook."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Timestamp": timestamp,
        "X-Signature": f"sha256={digest}",
        "X-Signature-Version": "v1",
    }


def _data(data: dict[str, Any]) -> web.Response:
    return web.json_response({"data": data, "meta": {"request_id": str(uuid4())}})
