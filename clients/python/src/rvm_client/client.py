"""The client: one API key of one workspace."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, cast

import httpx

from rvm_client.campaigns import Campaigns
from rvm_client.errors import RvmError
from rvm_client.events import Events
from rvm_client.http.retries import Retries
from rvm_client.http.transport import Call, Transport
from rvm_client.recordings import Recordings
from rvm_client.rows import Caller, UseCase
from rvm_client.voicemails import Voicemails
from rvm_client.webhook_destinations import WebhookDestinations

_API = re.compile(r"(?P<root>https?://[^/\s?#]+(?:/[^\s?#]*)?)/v1/(?P<workspace>[0-9a-fA-F-]{36})/?")
_LOOPBACK = re.compile(r"http://(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?(?:/|$)")
AGENT = "rvm-client/0.1.0"


class NotConfigured(RvmError):
    """The address of the API or the key is missing or cannot be one."""


class Client:
    """Calls of the API at `api`, the address of a workspace such as https://rvm.example.org/v1/01a2…, with an API key.

    It is used by one thread at a time, and closed by `close` or as a context manager. Raises NotConfigured.
    """

    def __init__(
        self,
        api: str,
        key: str,
        *,
        retries: Retries | None = None,
        timeout: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        api = api.strip().rstrip("/")
        found = _API.fullmatch(api)
        if not found:
            raise NotConfigured(
                "The address of the API must be that of a workspace, such as https://rvm.example.org/v1/<workspace id>."
            )
        if not api.startswith("https:") and not _LOOPBACK.match(api):
            raise NotConfigured(
                "The address of the API must begin with https:, because the key would be sent in clear."
            )
        if not re.fullmatch(r"rvm_[\x21-\x7e]+", key):
            raise NotConfigured("The API key must begin with rvm_live_ or rvm_test_, without blanks.")
        self.workspace_id = found["workspace"]
        self.api = api
        http = httpx.Client(
            base_url=found["root"],
            headers={"Authorization": f"Bearer {key}", "User-Agent": AGENT},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            transport=transport,
            trust_env=not _LOOPBACK.match(api),  # a proxy of the machine is not on the way to the machine itself
        )
        self._transport = Transport(http, retries or Retries())
        self._base = f"/v1/{self.workspace_id}"
        self.voicemails = Voicemails(self._transport, self._base)
        self.recordings = Recordings(self._transport, self._base)
        self.campaigns = Campaigns(self._transport, self._base)
        self.events = Events(self._transport, self._base)
        self.webhook_destinations = WebhookDestinations(self._transport, self._base)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """A client by RVM_API and RVM_KEY, or by API and KEY as `make up` prints them."""
        return cls(*configured(os.environ if environment is None else environment))

    @property
    def retries(self) -> Retries:
        """How often and how long calls are repeated; a program may set other bounds for its next calls."""
        return self._transport.retries

    @retries.setter
    def retries(self, retries: Retries) -> None:
        self._transport.retries = retries

    def caller(self) -> Caller:
        """What the key is: its scopes, its end, whether it is live."""
        return cast(Caller, self._transport.json(Call("GET", "/v1/auth/me")))

    def use_cases(self) -> Iterator[UseCase]:
        """All use cases: why people are reached, and from whom."""
        yield from self._transport.json(Call("GET", f"{self._base}/use-cases"))["items"]

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def configured(environment: Mapping[str, str]) -> tuple[str, str]:
    """The address and the key of the environment. Raises NotConfigured."""
    api = environment.get("RVM_API") or environment.get("API", "")
    key = environment.get("RVM_KEY") or environment.get("KEY", "")
    if not api or not key:
        missing = " and ".join(name for name, value in (("RVM_API", api), ("RVM_KEY", key)) if not value)
        raise NotConfigured(
            f"{missing} must be in the environment: the address of the workspace's API, and an API key."
        )
    return api, key
