"""SignalWire's Compatibility API: Twilio's, below another path and signed with a key of its own.

Written from signalwire/docs at 668371b (specs/compatibility-api, cxml/guides/webhooks/webhook-security.mdx) and
signalwire/signalwire-solutions (code/answering_machine_detection/README.md). Errors of a request are a list, and the status callback
does not say who answered. The token has the scope Voice alone, unless a test gives it others.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID, uuid4

from aiohttp import web

from rvm.simulators.framework.calls import Call
from rvm.simulators.framework.vendor import Handler, Options, Request
from rvm.simulators.vendors import twilio

LIST = "GET /api/laml/2010-04-01/Accounts/{AccountSid}/Calls"
ACCOUNT = "GET /api/laml/2010-04-01/Accounts/{Sid}"


class Simulator(twilio.Simulator):
    name = "signalwire"
    root: ClassVar[str] = "/api/laml/2010-04-01/Accounts"
    suffix: ClassVar[str] = ""
    signature: ClassVar[str] = "X-SignalWire-Signature"
    network_code: ClassVar[str] = "SipResultCode"
    tells_who_answered: ClassVar[bool] = False

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.scopes = {"Voice"}  # of the token

    @property
    def operations(self) -> dict[str, Handler]:
        return {**super().operations, LIST: self._list}

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "space": "simulated",
            "project_id": self.user,
            "api_token": self.password,
            "signing_key": self.signing_key,
            "base_url": self.base_url,
        }

    @property
    def user(self) -> str:
        return str(UUID(self.secret("project")))

    @property
    def password(self) -> str:
        return f"PT{self.secret('token', 48)}"

    @property
    def signing_key(self) -> str:
        return f"PSK_{self.secret('signing', 24)}"

    def unauthorized(self, request: Request) -> web.Response | None:
        scope = "Management" if request.operation == ACCOUNT else "Voice"
        return super().unauthorized(request) or (None if scope in self.scopes else self.problem(401))

    async def _list(self, request: Request) -> web.Response:
        size = int(request.query.get("PageSize", 50))
        page = [self.resource(call) for call in reversed(self.calls.values())][:size]
        uri = request.http.path_qs
        pages = {"uri": uri, "first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
        return web.json_response({**pages, "page": 0, "page_size": size, "calls": page})

    def new_id(self) -> str:
        return str(uuid4())

    def error(self, status: int, code: int, message: str) -> web.Response:
        if status != 400:
            return super().error(status, code, message)
        more = "https://signalwire.com/docs/rest/compatibility-api/error-codes"
        return web.json_response(
            {"errors": [{"code": str(code), "message": message, "more_info": more}]}, status=status
        )

    def resource(self, call: Call) -> dict[str, Any]:
        shown = super().resource(call)
        by = shown["answered_by"]
        duration = round(call.spoken)
        return shown | {"answered_by": by and by.partition("_")[0], "duration": duration, "direction": "outbound"}
