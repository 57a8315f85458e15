"""VoiceDrop.ai: one request a drop, answered without an id, and unsigned webhooks to the address that came with it.

Written from copies of the vendor's Postman collection and a public receiver of its webhooks; the vendor hosts no page that we know of
(fixtures/carriers/voicedrop/payloads.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from rvm.simulators.framework.vendor import Handler, Request, Vendor
from rvm.simulators.sandbox.outcomes import Plan

SEND, PROFILE = "POST /v1/ringless_voicemail", "GET /v1/profile"

Result = tuple[str, str]  # status and extra_status_info
NOT_DELIVERED: Result = ("not-delivered", "")
# By the sandbox's code; all that the vendor has no word for is "not-delivered".
RESULTS: Mapping[str, Result] = {
    "delivered": ("delivered", ""),
    "mailbox_full": ("not-delivered", "mailbox full"),
    "number_not_supported": ("skipped", ""),
    "do_not_call": ("skipped", "on a list"),
    "carrier_denied": ("FAS", ""),
    "audio_unusable": ("failed", ""),
    "refused": ("failed", ""),
}


class Simulator(Vendor):
    name = "voicedrop"

    @property
    def operations(self) -> dict[str, Handler]:
        return {SEND: self._send, PROFILE: self._profile}

    @property
    def credentials(self) -> dict[str, str]:
        return {"auth_key": self.secret("key"), "base_url": self.base_url}

    def unauthorized(self, request: Request) -> web.Response | None:
        fits = request.headers.get("auth-key") == self.credentials["auth_key"]
        return None if fits else self.problem(401)

    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        return self.problem(400)

    def problem(self, status: int) -> web.Response:
        body = {"status": "error", "message": f"Status {status}."}
        return web.json_response(body, status=status, headers={"Retry-After": "1"} if status == 429 else None)

    async def _profile(self, request: Request) -> web.Response:
        return web.json_response({"status": "success", "message": {"email": "someone@customer.example"}})

    async def _send(self, request: Request) -> web.Response:
        body = request.body
        to = f"+1{body['to'].removeprefix('+1')}"
        plan = self.plan(to)
        refusal = self.refusal(to, plan)
        if refusal is not None and refusal.code != "refused":
            return self.problem(429)  # nothing else says at this vendor that the request was not processed
        self.ledger.accepted[to] += 1
        if refusal is not None:
            self.spawn(self._end(body, to, plan, "refused"))
        elif plan.code is not None:
            self.spawn(self._end(body, to, plan, plan.code))
        said = {
            "status": "success",
            "message": "Your request has been successfully received and queued for processing.",
        }
        return await self.answer(request, plan, web.json_response(said))

    async def _end(self, body: dict[str, Any], to: str, plan: Plan, code: str) -> None:
        drop_id, times = str(uuid4()), self.times_reported(plan)
        if times:
            await self._webhook(body, drop_id, ("scheduled", "pending"))
        await self.clock.sleep(self.delay(to, plan))
        if code == "delivered":
            if await self.outbound.fetch(body["recording_url"]) is None:
                code = "audio_unusable"
            else:
                self.ledger.leave(to, body["recording_url"])
        self.ledger.ends[code] += 1
        for number in range(times):
            await self._webhook(body, drop_id, RESULTS.get(code, NOT_DELIVERED))
            if number + 1 < times:  # a step that is long past, and the end again
                await self._webhook(body, drop_id, ("scheduled", "pending"))

    async def _webhook(self, body: dict[str, Any], drop_id: str, result: Result) -> None:
        status, info = result
        event = {
            "voice_drop_id": drop_id,
            "status": status,
            "sent_to": body["to"],
            "sent_from": body["from"],
            "extra_status_info": info,
        }
        if "send_status_to_webhook" in body:
            headers = {"Content-Type": "application/json"}
            await self.outbound.post("webhook", body["send_status_to_webhook"], orjson.dumps(event), headers)
