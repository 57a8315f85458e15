"""Telnyx Voice API: dials, signed webhooks of each step of a call, and commands that are obeyed once per `command_id`.

Written from team-telnyx/telnyx-python 4.189.0 (types/, lib/webhook_verification.py) and developers.telnyx.com: receiving-webhooks,
command-retries, api-errors. Webhooks are posted without waiting for one another, so they may come in any order, as at the vendor.
Not documented, and so a choice of this simulator: an ignored command gets the answer of the first one.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rvm.simulators.framework.calls import Call, CallingVendor, Phone, Played, Step
from rvm.simulators.framework.vendor import Handler, Options, Request

DIAL, BALANCE = "POST /v2/calls", "GET /v2/balance"
PLAY = "POST /v2/calls/{call_control_id}/actions/playback_start"
HANG_UP = "POST /v2/calls/{call_control_id}/actions/hangup"

EVENTS: Mapping[Step, str] = {
    Step.INITIATED: "call.initiated",
    Step.ANSWERED: "call.answered",
    Step.DETECTED: "call.machine.premium.detection.ended",
    Step.GREETING_ENDED: "call.machine.premium.greeting.ended",
    Step.PLAYBACK_STARTED: "call.playback.started",
    Step.PLAYBACK_ENDED: "call.playback.ended",
    Step.ENDED: "call.hangup",
}
RESULTS: Mapping[Phone, str] = {
    Phone.MACHINE: "machine",
    Phone.FULL: "machine",
    Phone.HUMAN: "human_residence",
    Phone.FAX: "fax_detected",
    Phone.SILENCE: "silence",
}
# hangup_cause and sip_hangup_cause of a call that was not answered.
CAUSES: Mapping[Phone, tuple[str, str]] = {
    Phone.NO_ANSWER: ("timeout", "487"),
    Phone.BUSY: ("user_busy", "486"),
    Phone.UNREACHABLE: ("not_found", "404"),
    Phone.REJECTED: ("call_rejected", "603"),
}
ENDS: Mapping[Played, str] = {
    Played.COMPLETED: "completed",
    Played.UNUSABLE: "failed",
    Played.HUNG_UP: "call_hangup",
}
# By status, what the vendor's catalogue of errors has; the limits of requests and of dials have the same status.
ERRORS: Mapping[int, tuple[str, str]] = {
    401: ("10009", "Authentication failed"),
    402: ("20100", "Insufficient Funds"),
    403: ("10010", "Authorization failed"),
    404: ("10005", "Resource not found"),
    422: ("10015", "Bad Request"),
    429: ("10011", "Too many requests"),
    500: ("10007", "Unexpected error"),
}
REFUSALS: Mapping[str, int] = {"refused": 422, "throttled": 429, "not_processed": 429}
# Seconds until a webhook that got no 2xx comes again.
WEBHOOK_WAITS = (0.5, 2.0, 5.0, 15.0)
# A customer is no faster at a quick clock: in real time, how long an answered call waits at least for its commands.
MIN_PATIENCE = 10.0


class Simulator(CallingVendor):
    name = "telnyx"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.states: dict[str, str] = {}  # by call, the client_state of the latest command that had one
        self.dialed: dict[str, web.Response] = {}  # by command_id
        self.commands: dict[str, list[str]] = {}  # by call, the command_ids that were obeyed
        self.plays: dict[str, str] = {}  # by call, the statuses of its playback; one at most
        self.credit = "100.00"
        self._timed_out: set[str] = set()
        self._asked: dict[str, float] = {}  # by call, when a webhook was posted that wants a command
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.secret("signing", 64)))

    @property
    def operations(self) -> dict[str, Handler]:
        return {PLAY: self._play_command, HANG_UP: self._hang_up_command, DIAL: self._dial, BALANCE: self._balance}

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "api_key": f"KEY{self.secret('key')}",
            "connection_id": str(int(self.secret("connection", 12), 16)),
            "public_key": base64.b64encode(self._key.public_key().public_bytes_raw()).decode(),
            "base_url": self.base_url,
        }

    def unauthorized(self, request: Request) -> web.Response | None:
        ours = f"Bearer {self.credentials['api_key']}"
        return None if request.headers.get("authorization") == ours else self.problem(401)

    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        return self.problem(422)

    def problem(self, status: int) -> web.Response:
        code, title = ERRORS.get(status, ERRORS[500])
        return _refused(status, code, title, {"x-ratelimit-reset": "1"} if status == 429 else None)

    async def _balance(self, request: Request) -> web.Response:
        amounts = {"balance": self.credit, "available_credit": self.credit, "credit_limit": "0.00", "pending": "0.00"}
        return web.json_response({"data": {"record_type": "balance", "currency": "USD", **amounts}})

    # dials and commands

    async def _dial(self, request: Request) -> web.Response:
        body = request.body
        if body["connection_id"] != self.credentials["connection_id"]:
            return self.problem(404)
        if float(self.credit) <= 0:
            return self.problem(402)
        key = body.get("command_id", "")
        if key in self.dialed:
            self.ledger.replays += 1
            return _copy(self.dialed[key])
        plan = self.plan(body["to"])
        if (refusal := self.refusal(body["to"], plan)) is not None:
            return self.problem(REFUSALS[refusal.code])
        call = Call(f"v3:{uuid4().hex}-{uuid4().hex}", body["to"], body["from"], plan, self.phone(plan), fields=body)
        self.states[call.id] = body.get("client_state", "")
        self.plays[call.id] = ""
        self.commands[call.id] = []
        ids = {"call_control_id": call.id, "call_leg_id": str(uuid4()), "call_session_id": str(uuid4())}
        data = {"record_type": "call", "is_alive": False, "client_state": self.states[call.id], **ids}
        response = web.json_response({"data": data})
        if key:
            self.dialed[key] = _copy(response)
        self.place(call)
        return await self.answer(request, plan, response)

    async def _play_command(self, request: Request) -> web.Response:
        call, answer = self._commanded(request)
        if call is None:
            return answer
        if self.plays[call.id]:
            self.ledger.violations.append("a second PLAY to one call")
        if call.step is not Step.GREETING_ENDED:
            self.ledger.violations.append("a PLAY before the greeting has ended")
        self.plays[call.id] = "started"
        self.states[call.id] = request.body.get("client_state") or self.states[call.id]
        self.spawn(self._playback(call, request.body["audio_url"]))
        return answer

    async def _hang_up_command(self, request: Request) -> web.Response:
        call, answer = self._commanded(request)
        if call is not None:
            self.hang_up(call)
        return answer

    def _commanded(self, request: Request) -> tuple[Call | None, web.Response]:
        """The call that is to obey, if any, and the answer."""
        call = self.calls.get(request.path["call_control_id"])
        if call is None:
            return None, self.problem(404)
        if call.over.is_set():
            return None, _refused(422, "90018", "Call has already ended")
        done, key = self.commands[call.id], request.body.get("command_id", "")
        taken = web.json_response({"data": {"result": "ok"}})
        if key and key in done:
            self.ledger.replays += 1
            return None, taken
        done.append(key)
        if (asked := self._asked.pop(call.id, None)) is not None:
            self.ledger.reactions.append(asyncio.get_running_loop().time() - asked)
        return call, taken

    async def _playback(self, call: Call, url: str) -> None:
        await self.tell(call, Step.PLAYBACK_STARTED)
        self.plays[call.id] = ENDS[await self.play(call, url)]
        await self.tell(call, Step.PLAYBACK_ENDED)

    async def direct(self, call: Call) -> None:
        patience = max(call.fields.get("time_limit_secs", self.longest_call) / self.clock.speed, MIN_PATIENCE)
        try:
            await asyncio.wait_for(call.over.wait(), patience)
        except TimeoutError:
            self._timed_out.add(call.id)

    # webhooks

    async def tell(self, call: Call, step: Step) -> None:
        if step in EVENTS and not self.loses_reports:
            self.spawn(self._post(call, step, self._payload(call, step)))

    def _payload(self, call: Call, step: Step) -> dict[str, Any]:
        ids = {"call_control_id": call.id, "call_leg_id": call.id[3:35], "call_session_id": call.id[36:]}
        common = {**ids, "connection_id": call.fields["connection_id"], "client_state": self.states[call.id]}
        match step:
            case Step.PLAYBACK_STARTED:
                return {**common, "overlay": False}
            case Step.PLAYBACK_ENDED:
                return {**common, "overlay": False, "status": self.plays[call.id], "status_detail": ""}
        common |= {"from": call.sender, "to": call.to}
        match step:
            case Step.DETECTED:
                return {**common, "result": RESULTS[call.phone]}
            case Step.GREETING_ENDED:
                return {**common, "result": "beep_detected"}
            case Step.ENDED:
                cause, sip = CAUSES.get(call.phone, ("normal_clearing", "200"))
                cause = "time_limit" if call.id in self._timed_out else cause
                source = call.hung_up_by or "unknown"
                said = {"hangup_cause": cause, "hangup_source": source, "sip_hangup_cause": sip}
                return {**common, "state": "hangup", **said}
        return {**common, "direction": "outgoing", "state": "parked"}

    async def _post(self, call: Call, step: Step, payload: Mapping[str, Any]) -> None:
        url = call.fields["webhook_url"]
        event = {
            "record_type": "event",
            "event_type": EVENTS[step],
            "id": call.event_id(step),
            "occurred_at": self.clock.now().isoformat().replace("+00:00", "Z"),
            "payload": payload,
        }
        if (step is Step.DETECTED and call.phone not in (Phone.MACHINE, Phone.FULL)) or step is Step.GREETING_ENDED:
            self._asked[call.id] = asyncio.get_running_loop().time()
        raw = orjson.dumps({"data": event, "meta": {"attempt": 1, "delivered_to": url}})
        await self.outbound.deliver(EVENTS[step], url, raw, lambda attempt: self.signed(raw), waits=WEBHOOK_WAITS)

    def signed(self, raw: bytes, timestamp: str = "") -> dict[str, str]:
        """The headers of a webhook, signed now unless told otherwise."""
        timestamp = timestamp or self.clock.seconds()
        signature = self._key.sign(timestamp.encode() + b"|" + raw)
        return {
            "Content-Type": "application/json",
            "telnyx-timestamp": timestamp,
            "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        }


def _copy(response: web.Response) -> web.Response:
    return web.Response(body=response.body, content_type="application/json")


def _refused(status: int, code: str, title: str, headers: Mapping[str, str] | None = None) -> web.Response:
    error = {"code": code, "title": title, "detail": f"{title}.", "source": {"pointer": "/"}}
    return web.json_response({"errors": [error]}, status=status, headers=headers)
