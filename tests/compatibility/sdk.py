"""The reference platform's SDK as far as it sends requests to us and reads our responses: its errors, its rate limits, its pages, and
the types that it gives to what it reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.test import Client

ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "ValidationError",
    429: "RateLimitError",
    503: "ServiceUnavailableError",
}
STATUSES = ["pending", "skipped", "failed", "delivered", "not_delivered"]
TEXT, TEXT_OR_NULL = str, (str, type(None))
# Required members of its responses, and their types.
VOICEMAIL = dict.fromkeys(
    ("voicemail_id", "setup_id", "use_case_id", "recipient_phone_number", "status", "created_at", "updated_at"), TEXT
)
VOICEMAIL_SENT = {"voicemail_id": TEXT, "sender_phone_number": TEXT}
USE_CASE = {
    **dict.fromkeys(("id", "channel", "entity_name", "name", "setup_id", "created_at", "updated_at"), TEXT),
    "description": TEXT_OR_NULL,
}
PHONE_NUMBER = {
    **dict.fromkeys(("id", "workspace_id", "phone_number", "display_name", "provider", "status", "notes"), TEXT),
    **dict.fromkeys(("inbound_service_id", "provider_phone_sid"), TEXT_OR_NULL),
    **dict.fromkeys(("created_at", "updated_at"), TEXT),
    "capabilities": list,
    "forwarding": (dict, type(None)),
}
# Pages of events go by offset, and have a limit without asking for one.
EVENT_PAGE = {**dict.fromkeys(("total", "limit", "offset"), int), "events": list, "has_more": bool}
EVENT = {
    **dict.fromkeys(("id", "workspace_id", "timestamp", "service", "action", "resource_type"), TEXT),
    **dict.fromkeys(("resource_id", "resource_name", "actor_entity_id", "ip_address", "user_agent"), TEXT_OR_NULL),
    "phi_accessed": bool,
}
API_KEY = {
    **dict.fromkeys(("id", "workspace_id", "name", "role", "created_at", "updated_at"), TEXT),
    **dict.fromkeys(("expires_at", "last_used_at"), TEXT_OR_NULL),
    "permissions": list,
}


def check(row: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The row, if it has each member of the schema with its type."""
    wrong = {
        name: row.get(name, "missing") for name, types in schema.items() if not isinstance(row.get(name, ...), types)
    }
    assert not wrong
    return row


class ApiError(Exception):
    """What createApiError makes of a response."""

    def __init__(self, response: Any) -> None:
        body = json.loads(response.content)
        detail = body.get("detail")
        self.detail = detail if isinstance(detail, str) else json.dumps(detail)
        message = body.get("message")
        super().__init__(message if isinstance(message, str) else self.detail)
        self.name = ERRORS.get(response.status_code, "ServerError")
        self.status = response.status_code
        self.error_code = body["error_code"] if isinstance(body.get("error_code"), str) else None
        self.request_id = body.get("request_id") or response.headers.get("x-request-id")
        self.body = body
        self.retry_after = float(response["Retry-After"]) if "Retry-After" in response else None

    @property
    def is_http_validation_error(self) -> bool:
        return isinstance(self.body.get("detail"), list)

    @property
    def is_http_exception(self) -> bool:
        return not self.is_http_validation_error and "detail" in self.body and "raw_body" not in self.body


class RateLimit(NamedTuple):
    """What parseRateLimitHeaders reads; `reset` is a Unix time."""

    limit: int | None
    remaining: int | None
    reset: int | None


def rate_limit(response: Any) -> RateLimit:
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    return RateLimit(*(int(response[name]) if name in response else None for name in names))


class Sdk:
    """Speaks as a client whose base URL is `base_url`."""

    def __init__(self, api_key: str, workspace_id: UUID, base_url: str = "") -> None:
        self.base_url, self.workspace_id = base_url, workspace_id
        self._client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {api_key}"})

    def fetch(self, method: str, path: str, body: Any = None, query: Any = None, form: Any = None) -> Any:
        """The response. Raises ApiError."""
        url = f"{self.base_url}/v1/{self.workspace_id}/{path}"
        if form is not None:
            response = self._client.post(url, form)
        else:
            sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
            response = self._client.generic(method, url, QUERY_STRING=query or "", **sent)
        if response.status_code >= 300:
            raise ApiError(response)
        return response

    def fetch_once(self, path: str, body: Any, key: str) -> Any:
        """The response to a POST under an Idempotency-Key."""
        url, sent = f"{self.base_url}/v1/{self.workspace_id}/{path}", json.dumps(body)
        return self._client.post(url, sent, "application/json", headers={"Idempotency-Key": key}).json()

    def get(self, path: str, query: str = "") -> Any:
        return self.fetch("GET", path, query=query).json()

    def me(self) -> Any:
        """What the key is, which stands beside the workspaces."""
        response = self._client.get(f"{self.base_url}/v1/auth/me")
        if response.status_code >= 300:
            raise ApiError(response)
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        return self.fetch("POST", path, body).json()

    def put(self, path: str, body: Any) -> Any:
        return self.fetch("PUT", path, body).json()

    def delete(self, path: str) -> None:
        assert self.fetch("DELETE", path).status_code == 204

    def send_voicemail(self, form: dict[str, Any]) -> Any:
        return check(self.fetch("POST", "voicemail", form=form).json(), VOICEMAIL_SENT)

    def by_offset(self, path: str, limit: int) -> Iterator[Any]:
        """The events of all pages, each of which says where the next one begins."""
        offset = 0
        while True:
            page = check(self.get(path, f"limit={limit}&offset={offset}"), EVENT_PAGE)
            assert (page["limit"], page["offset"]) == (limit, offset)
            yield from page["events"]
            if not page["has_more"]:
                return
            offset = page["next_offset"]

    def auto_paging(self, path: str, query: str = "") -> Iterator[Any]:
        """The items of all pages, as listAutoPaging gives them."""
        token = None
        while True:
            page = self.get(path, query if token is None else f"{query}&continuation_token={token}")
            yield from page.get("items", [])
            token = page.get("continuation_token")
            if not page.get("has_more") or token is None:
                return
