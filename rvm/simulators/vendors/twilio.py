"""Twilio: calls with synchronous detection, signed requests for markup, and the status callback.

Written from twilio/twilio-oai at d50069b (spec/json/twilio_api_v2010.json), twilio/twilio-python (request_validator.py) and the pages
docs/voice/answering-machine-detection, docs/voice/api/call-resource, docs/voice/twiml/play and redirect of twilio.com. No request is
repeated, a call whose directions cannot be had or obeyed is ended, and who answered is said to the status callback too. Of these,
tests can have otherwise what is not documented: `goes_on`, `calls_twice`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.utils import format_datetime
from html import unescape
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import web

from rvm.simulators.framework.calls import Call, CallingVendor, Phone, Played, Step
from rvm.simulators.framework.vendor import Handler, Options, Request

ANSWERED_BY: Mapping[Phone, str] = {
    Phone.MACHINE: "machine_end_beep",
    Phone.FULL: "machine_end_beep",
    Phone.HUMAN: "human",
    Phone.FAX: "fax",
    Phone.SILENCE: "unknown",
}
# `CallStatus` of a call that nobody answered, and the network's code.
UNANSWERED: Mapping[Phone, tuple[str, str]] = {
    Phone.NO_ANSWER: ("no-answer", "487"),
    Phone.BUSY: ("busy", "486"),
    Phone.UNREACHABLE: ("failed", "404"),
    Phone.REJECTED: ("failed", "603"),
}
# Status, code and message by the sandbox's code of a refusal.
REFUSALS: Mapping[str, tuple[int, int, str]] = {
    "refused": (400, 21210, "The source phone number provided is not yet verified for your account."),
    "throttled": (429, 20429, "Too Many Requests"),
    "not_processed": (429, 10004, "Call concurrency limit exceeded"),
}
_VERB = re.compile(r"<(Play|Redirect|Hangup)\b[^>]*?(?:/>|>(.*?)</\1>)", re.DOTALL)


class Simulator(CallingVendor):
    name = "twilio"
    root: ClassVar[str] = "/2010-04-01/Accounts"
    suffix: ClassVar[str] = ".json"
    signature: ClassVar[str] = "X-Twilio-Signature"
    network_code: ClassVar[str] = "SipResponseCode"
    tells_who_answered: ClassVar[bool] = True  # the status callback does

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.goes_on = False  # whether a recording that could not be fetched is followed by the next verb
        self.calls_twice = False  # whether each request makes a second call, which finds the line busy

    @property
    def operations(self) -> dict[str, Handler]:
        calls = f"{self.root}/{{AccountSid}}/Calls"
        return {
            f"POST {calls}{self.suffix}": self._create,
            f"GET {calls}/{{Sid}}{self.suffix}": self._fetch,
            f"GET {self.root}/{{Sid}}{self.suffix}": self._account,
        }

    @property
    def credentials(self) -> dict[str, str]:
        return {"account_sid": self.user, "auth_token": self.password, "base_url": self.base_url}

    @property
    def user(self) -> str:
        return f"AC{self.secret('account')}"

    @property
    def password(self) -> str:
        return self.secret("token")

    @property
    def signing_key(self) -> str:
        return self.password

    def new_id(self) -> str:
        return f"CA{uuid4().hex}"

    def unauthorized(self, request: Request) -> web.Response | None:
        basic = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        account = request.path.get("AccountSid") or request.path["Sid"]
        fits = request.headers.get("authorization") == f"Basic {basic}" and account == self.user
        return None if fits else self.problem(401)

    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        code = {"body.To": 21211, "body.From": 21212, "body.Url": 21205}
        found = (code[place] for each in violations if (place := each.partition(":")[0]) in code)
        return self.error(400, next(found, 20001), "; ".join(violations))

    def problem(self, status: int) -> web.Response:
        return self.error(status, {401: 20003, 404: 20404, 429: 20429}.get(status, 20500), f"Status {status}")

    def error(self, status: int, code: int, message: str) -> web.Response:
        """The vendor's error document."""
        more = f"https://www.twilio.com/docs/errors/{code}"
        body = {"code": code, "message": message, "more_info": more, "status": status}
        return web.json_response(body, status=status, headers={"Retry-After": "1"} if status == 429 else None)

    # requests

    async def _create(self, request: Request) -> web.Response:
        body = request.body
        plan = self.plan(body["To"])
        if (refusal := self.refusal(body["To"], plan)) is not None:
            return self.error(*REFUSALS[refusal.code])
        call = Call(self.new_id(), body["To"], body["From"], plan, self.phone(plan), body)
        self.place(call)
        if self.calls_twice:
            self.place(replace(call, id=self.new_id(), phone=Phone.BUSY, over=asyncio.Event()))
        return await self.answer(request, plan, web.json_response(self.resource(call), status=201))

    async def _fetch(self, request: Request) -> web.Response:
        call = self.calls.get(request.path["Sid"])
        return self.problem(404) if call is None else web.json_response(self.resource(call))

    async def _account(self, request: Request) -> web.Response:
        return web.json_response({"sid": self.user, "friendly_name": "Simulated", "status": "active", "type": "Full"})

    def resource(self, call: Call) -> dict[str, Any]:
        """The call as the API shows it."""
        answered_by = ANSWERED_BY[call.phone] if call.answered else None
        return {
            "sid": call.id,
            "account_sid": self.user,
            "to": call.to,
            "from": call.sender,
            "status": self.status(call),
            "answered_by": answered_by,
            "duration": str(round(call.spoken)) if call.ended else None,
            "direction": "outbound-api",
            "api_version": "2010-04-01",
        }

    def status(self, call: Call) -> str:
        if call.ended:
            return "completed" if call.answered else UNANSWERED[call.phone][0]
        if call.answered:
            return "in-progress"
        return "ringing" if call.step is Step.RINGING else "queued"

    # callbacks

    async def tell(self, call: Call, step: Step) -> None:
        """Its end alone, unless other events are asked for."""
        if step is not Step.ENDED:
            return
        said = {
            "CallDuration": str(round(call.spoken)),
            self.network_code: "200" if call.answered else UNANSWERED[call.phone][1],
            "SequenceNumber": str(call.number),
            "CallbackSource": "call-progress-events",
            "Timestamp": format_datetime(call.ended or self.clock.now()),
        }
        if call.answered and self.tells_who_answered:
            said["AnsweredBy"] = ANSWERED_BY[call.phone]
        await self._ask("status", call, call.fields["StatusCallback"], said)

    async def direct(self, call: Call) -> None:
        url, said = call.fields["Url"], {"AnsweredBy": ANSWERED_BY[call.phone]}
        while url:
            markup = await self._ask("step", call, url, said)
            url, said = await self._obey(call, markup), {}

    async def _obey(self, call: Call, markup: str) -> str:
        """Do what the markup says; returns the address that is to be asked next, empty if the call is to end."""
        for verb, argument in verbs(markup):
            if verb == "Redirect":
                return argument
            played = Played.HUNG_UP if verb == "Hangup" else await self.play(call, argument)
            if played is Played.HUNG_UP or (played is Played.UNUSABLE and not self.goes_on):
                break
        return ""

    async def _ask(self, kind: str, call: Call, url: str, said: Mapping[str, str]) -> str:
        fields = {
            "CallSid": call.id,
            "AccountSid": self.user,
            "From": call.sender,
            "To": call.to,
            "CallStatus": self.status(call),
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            **said,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            self.signature: signed(url, fields, self.signing_key),
        }
        answer = await self.outbound.post(kind, url, urlencode(fields).encode(), headers, timeout=15)
        return answer.body.decode(errors="replace") if answer.ok else ""


def signed(url: str, fields: Mapping[str, str], key: str) -> str:
    """The signature of a request."""
    said = url + "".join(name + value for name, value in sorted(fields.items()))
    return base64.b64encode(hmac.digest(key.encode(), said.encode(), hashlib.sha1)).decode()


def verbs(markup: str) -> Iterator[tuple[str, str]]:
    """The verbs of a document with what they are about."""
    for verb, argument in _VERB.findall(markup):
        yield verb, unescape(argument).strip()
