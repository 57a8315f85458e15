"""Slybroadcast: one gateway for submissions, results and the balance; post-backs unsigned, in one of the two shapes that were seen.

Written from slybroadcast.com/documentationjson.php; answers, results and post-backs as public clients read them
(fixtures/carriers/slybroadcast/payloads.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web

from rvm.simulators.framework.vendor import Handler, Options, Request, Vendor
from rvm.simulators.sandbox.outcomes import Plan

GATEWAY = "POST /gateway/vmb.json.php"
EASTERN = ZoneInfo("America/New_York")
# "fail reason" by the sandbox's code. What the vendor has no word for that we know of is told in the sandbox's own.
REASONS: Mapping[str, str] = {
    "voicemail_not_detected": "Unable to Detect Voicemail",
    "no_answer": "No Answer",
    "busy": "Busy",
    "unreachable": "Disconnected",
    "mailbox_full": "Voicemail Full",
    # The vendor rings nobody, so it finds no voicemail where a person would answer, or where the box is not set up.
    "human_answered": "Unable to Detect Voicemail",
    "mailbox_not_set_up": "Unable to Detect Voicemail",
    "number_not_supported": "Invalid Number",
}


@dataclass(slots=True)
class Session:
    """One campaign to one number. `status` is "Pending" until it has ended."""

    id: str
    to: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    status: str = "Pending"
    reason: str = ""
    ended: str = field(default="", repr=False)  # in Eastern Time

    @property
    def row(self) -> dict[str, str]:
        return {
            "to phone": self.fields["c_phone"],
            "dial status": self.status,
            "fail reason": self.reason,
            "delivery time": self.ended,
            "carrier": "Example Wireless",
        }


class Simulator(Vendor):
    name = "slybroadcast"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.sessions: dict[str, Session] = {}
        self.one_field = True  # the shape of post-backs: one field `var`, or a field for each value
        self.messages_left = 1_000_000
        self.error_status = 200  # of errors, which the vendor does not document
        self._ids = count(1084205519)

    @property
    def operations(self) -> dict[str, Handler]:
        return {GATEWAY: self._gateway}

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "c_uid": f"{self.secret('uid', 12)}@customer.example",
            "c_password": self.secret("password"),
            "base_url": self.base_url,
        }

    def unauthorized(self, request: Request) -> web.Response | None:
        body = request.body if isinstance(request.body, dict) else {}
        ours = self.credentials
        if all(body.get(name) == ours[name] for name in ("c_uid", "c_password")):
            return None
        return self._error("Invalid login or password.")

    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        named = sorted({violation.removeprefix("body.").partition(":")[0] for violation in violations})
        return self._error(f"Missing or invalid variables: {', '.join(named)}")

    def _error(self, text: str) -> web.Response:
        return web.Response(text=text, status=self.error_status)

    def problem(self, status: int) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "1"} if status == 429 else None)

    async def _gateway(self, request: Request) -> web.Response:
        if "remain_message" in request.body:
            return web.json_response({"remain_message": self.messages_left})
        if "c_option" in request.body:
            session = self.sessions.get(request.body["session_id"])
            return web.json_response([session.row] if session else [])
        return await self._new_campaign(request)

    async def _new_campaign(self, request: Request) -> web.Response:
        to = f"+1{request.body['c_phone']}"
        plan = self.plan(to)
        if (refusal := self.refusal(to, plan)) is not None:
            # Nothing but a 429 says at this vendor that the request was not processed.
            return self._error("Invalid c_phone") if refusal.code == "refused" else self.problem(429)
        if self.messages_left <= 0:
            return self._error("Not enough messages in your account.")
        session = Session(str(next(self._ids)), to, request.body)
        self.sessions[session.id] = session
        self.ledger.accepted[to] += 1
        if plan.code is not None:
            self.spawn(self._send(session, plan))
        said = {"new_campaign": "OK", "session_id": session.id, "number of phone": "1"}
        return await self.answer(request, plan, web.json_response(said))

    async def _send(self, session: Session, plan: Plan) -> None:
        code = plan.code or ""
        await self.clock.sleep(self.delay(session.to, plan))
        if await self.outbound.fetch(session.fields["c_url"]) is None:
            code = "audio_unusable"
        self.ledger.ends[code] += 1
        session.ended = self.clock.now().astimezone(EASTERN).strftime("%Y-%m-%d %H:%M:%S")
        session.status, session.reason = ("OK", "") if code == "delivered" else ("Failure", REASONS.get(code, code))
        if code == "delivered":
            self.ledger.leave(session.to, session.fields["c_url"])
        if "c_dispo_url" in session.fields:
            for _ in range(self.times_reported(plan)):
                await self._post_back(session)

    async def _post_back(self, session: Session) -> None:
        answer = await self.outbound.post(
            "post-back",
            session.fields["c_dispo_url"],
            urlencode(self._said(session)).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        if answer.ok and answer.body.strip() != b"OK":
            self.ledger.violations.append("post-back: not acknowledged by OK")

    def _said(self, session: Session) -> dict[str, Any]:
        row = session.row
        if not self.one_field:
            dispo = session.reason or "delivered"
            return {"c_session": session.id, "c_phone": row["to phone"], "c_dispo": dispo}
        values = (session.id, row["to phone"], session.status, session.reason, session.ended, row["carrier"])
        return {"var": "|".join(f'"{value}"' for value in values)}
