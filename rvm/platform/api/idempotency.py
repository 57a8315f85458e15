"""Idempotency keys: the same POST under the same Idempotency-Key does its work once and gets the same response for 24 hours.

The work and its stored response are one transaction. If the process dies, neither is committed, and a repeated request starts anew.
Slow work that changes nothing, such as the conversion of a recording, is done before (`PreparedView.prepare`); a check may go on
meanwhile that ends before PostgreSQL would end the transaction.
A request in progress holds an advisory lock of that transaction. PostgreSQL releases it when the connection ends, so locks need no
timeout. Only successful responses are stored: a refused request has changed nothing, unless the refusal keeps its work, and may be
corrected and sent again under its key.

A key belongs to the service user of the caller's API key, which rotation keeps, so no caller gets the response to another caller's
request. The API key's rights are part of the fingerprint, so a response is not replayed after the rights have changed.
"""

from __future__ import annotations

import functools
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.permissions import operation_of, required_scope
from rvm.platform.api.problems import Problem
from rvm.platform.api.rendering import to_json
from rvm.platform.database import sql
from rvm.platform.database.prepared import prepared
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey, IdempotencyKey
from rvm.platform.scopes import Scope

Handler = Callable[..., HttpResponseBase]
# The longest pause between two statements of a transaction that stores files; a suspended process keeps its locks for so long.
_FOR_FILES = "300s"
KEPT_FOR = timedelta(hours=24)
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s::bigint)"
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


class SecretResponse(Response):
    """A response with a field that is sent once: if the POST is repeated, it is null, because the value is stored nowhere."""

    def __init__(self, data: Mapping[str, Any], *, once: str, **options: Any) -> None:
        super().__init__({**data}, **options)
        self.stored = {**data, once: None}


class PreparedView(ABC, APIView):
    """A view with slow work that a POST does before its transaction."""

    @abstractmethod
    def prepare(self) -> None:
        """Do the work and keep its result on the view. It changes nothing; its errors are those of the POST."""


def read_key(request: Request) -> str | None:
    """The header's value, bare or quoted as in draft-ietf-httpapi-idempotency-key-header; None without the header.

    Raises Problem.
    """
    if "Idempotency-Key" not in request.headers:
        return None
    key = request.headers["Idempotency-Key"].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not _PRINTABLE.fullmatch(key):
        raise Problem(codes.IDEMPOTENCY_KEY_INVALID)
    return key


def fingerprint(request: Request, key: ApiKey) -> bytes:
    """SHA-256 of method, path, the API key's rights and the body: sorted JSON, or form fields and the SHA-256 of each file."""
    rights = ["live" if key.live else "test", *sorted(key.scopes)]
    whole = hashlib.sha256(f"{request.method} {request.path}\n{' '.join(rights)}\n".encode())
    data: Any = request.data
    if hasattr(data, "lists"):
        fields = [(name, values) for name, values in data.lists() if name not in request.FILES]
        files = [(name, [_sha256(part) for part in parts]) for name, parts in request.FILES.lists()]
        data = [sorted(fields), sorted(files)]
    whole.update(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    return whole.digest()


def _sha256(part: Any) -> str:
    digest = hashlib.sha256()
    for chunk in part.chunks():
        digest.update(chunk)
    part.seek(0)
    return digest.hexdigest()


def changes(view: Any, scope: Scope) -> bool:
    """Whether a POST of the view under this scope changes something."""
    return not scope.only_reads or getattr(view, "makes_row", False)


def once_per_key(handler: Handler) -> Handler:
    """Decorate a view's POST handler so that it succeeds at most once per Idempotency-Key, if it `changes`; otherwise it always
    runs."""

    @functools.wraps(handler)
    def wrapper(view: APIView, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = read_key(request)
        prepare = view.prepare if isinstance(view, PreparedView) else None
        if key is None or not changes(view, required_scope(view, operation_of(view, request))):
            if prepare:
                prepare()
            return handler(view, request, *args, **kwargs)
        return _respond_once(key, request, functools.partial(handler, view, request, *args, **kwargs), prepare)

    return wrapper


def _respond_once(
    key: str, request: Request, work: Callable[[], HttpResponseBase], prepare: Callable[[], None] | None
) -> HttpResponseBase:
    auth = request.auth
    if not isinstance(auth, ApiKey):
        raise TypeError("an Idempotency-Key belongs to the service user of an API key")
    mark = fingerprint(request, auth)
    earlier = _earlier(auth.user_id, key)
    if earlier is not None:
        return _replay(earlier, mark)
    if prepare:
        prepare()
    with transaction.atomic():
        if request.FILES:
            _allow_time_for_files()
        if not _lock(auth.user_id, key):
            raise Problem(codes.IDEMPOTENCY_KEY_IN_USE, headers={"Retry-After": "1"})
        earlier = _earlier(auth.user_id, key)
        if earlier is not None:
            return _replay(earlier, mark)
        try:
            response = cast(HttpResponse, work())  # only operations that read respond with streams
        except ServiceError as refusal:
            if not refusal.keeps_work:
                raise
            kept = refusal
        else:
            return _remember(auth, key, mark, response)
    raise kept


@prepared
def _stored(user_id: UUID, key: str) -> QuerySet[IdempotencyKey]:
    return IdempotencyKey.objects.filter(user=user_id, key=key)


def _earlier(user_id: UUID, key: str) -> IdempotencyKey | None:
    return next(iter(_stored(user_id, key)), None)


def _allow_time_for_files() -> None:
    """Have PostgreSQL wait longer than usual while this transaction stores what was uploaded, which a slow disk delays."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [_FOR_FILES])


def _remember(auth: ApiKey, key: str, mark: bytes, response: HttpResponse) -> HttpResponse:
    if response.status_code < 400:
        IdempotencyKey.objects.create(
            workspace_id=auth.workspace_id,
            user_id=auth.user_id,
            key=key,
            fingerprint=mark,
            status=response.status_code,
            answer=_pack(response),
        )
    return response


def _lock(user_id: UUID, key: str) -> bool:
    """Whether this transaction obtained the key's advisory lock. A hash collision costs no more than a 409."""
    name = hashlib.sha256(b"idempotency" + user_id.bytes + key.encode()).digest()
    [(obtained,)] = sql.run(_TRY_LOCK, [int.from_bytes(name[:8], "big", signed=True)])
    return bool(obtained)


def _pack(response: HttpResponse) -> bytes:
    """One line of JSON with the headers, then the body. DRF renders its responses later, so their data are rendered here."""
    if isinstance(response, Response):
        content_type = response.content_type or "application/json"
        data = response.stored if isinstance(response, SecretResponse) else response.data
        content = b"" if data is None else to_json(data)
    else:
        content_type = response["Content-Type"]
        content = response.content
    kept = {name: response[name] for name in ("Location", "ETag") if name in response}
    headers = {"Content-Type": content_type} | kept
    return orjson.dumps(headers) + b"\n" + content


def _replay(earlier: IdempotencyKey, mark: bytes) -> HttpResponse:
    if bytes(earlier.fingerprint) != mark:
        raise Problem(codes.IDEMPOTENCY_KEY_REUSED)
    headers, _, content = earlier.answer.partition(b"\n")
    replay = HttpResponse(content, status=earlier.status, headers=orjson.loads(headers))
    replay["Idempotent-Replayed"] = "true"
    return replay


def purge_idempotency_keys(now: datetime) -> int:
    """Delete responses older than 24 hours and return how many were deleted."""
    return IdempotencyKey.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]
