"""Places for requests that take long: exports, previews, lists that are read, files that are fetched. A few at once for each
workspace, and a few in all.

A place is an advisory lock of the connection that serves the request: it is free again when the last byte of the answer is sent, and
also when the process dies. Requests by number of the same time are for `rate_limit`; here it counts how many are answered at once.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar, cast
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.template.loader import get_template
from django.utils.html import format_html

from rvm.platform.errors import ServiceError

# One web process alone has four threads, and all of them together serve these.
MAX_OF_WORKSPACE, MAX_IN_ALL = 2, 4
RETRY_SECONDS = 10
Response = TypeVar("Response", bound=HttpResponseBase)


class Busy(ServiceError):
    """No place is free. `own`: the workspace has all of its places, so that its own requests are what it waits for."""

    def __init__(self, *, own: bool) -> None:
        self.own = own
        by_whom = f"{MAX_OF_WORKSPACE} of this workspace" if own else f"{MAX_IN_ALL} of all workspaces"
        super().__init__(
            "too_many_at_once",
            "Exports, previews, the reading of lists and the fetching of files are answered a few at once, and"
            f" {by_whom} are under way. Try again in {RETRY_SECONDS} seconds.",
        )

    @property
    def status(self) -> int:
        return 429 if self.own else 503


class place:  # noqa: N801 - a context manager
    """A place for a request of the owner. Raises Busy.

    No generator: the rest of one runs when it is collected as garbage, which may be in the middle of another statement of the same
    connection, and would wait for that for ever.
    """

    def __init__(self, owner: UUID | str) -> None:
        self._owner = str(owner)

    def __enter__(self) -> None:
        # What a request on this connection has left behind, whose answer was thrown away.
        _release()
        try:
            if not _is_locked(self._owner, MAX_OF_WORKSPACE):
                raise Busy(own=True)
            if not _is_locked("all", MAX_IN_ALL):
                raise Busy(own=False)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        # A connection that was lost has none.
        if connection.connection is not None and not connection.needs_rollback:
            _release()


def _release() -> None:
    _ask("SELECT pg_advisory_unlock_all()")


def _is_locked(owner: str, most: int) -> bool:
    """Whether one of the owner's places was free, and is ours now."""
    for number in range(most):
        digest = hashlib.sha256(f"heavy {owner} {number}".encode()).digest()
        if _ask("SELECT pg_try_advisory_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)]):
            return True
    return False


def _ask(query: str, parameters: Iterable[Any] = ()) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, list(parameters))
        return cursor.fetchone()[0]


class _Held:
    """The content of a streamed response, with what is released when the response is closed."""

    def __init__(self, content: Iterable[bytes], places: ExitStack) -> None:
        self._content, self.close = iter(content), places.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._content)


def kept(response: Response, places: ExitStack) -> Response:
    """The response; a streamed one takes the places with it, and releases them when it is sent or given up."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = _Held(cast("Iterable[bytes]", response.streaming_content), places.pop_all())
    return response


def heavy(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a view of the admin's, a method with self and request. Views of the API name their methods in `heavy`."""

    @functools.wraps(view)
    def bounded(page: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as places:
            try:
                places.enter_context(place(_owner(request)))
            except Busy as busy:
                return busy_page(request, busy)
            return kept(view(page, request, *args, **kwargs), places)

    bounded.is_heavy = True  # type: ignore[attr-defined]
    return bounded


def _owner(request: HttpRequest) -> UUID | str:
    """The person's workspace; of several, or of none, the person."""
    workspaces = list(request.user.workspaces.values_list("pk", flat=True)[:2])  # type: ignore[union-attr]
    return workspaces[0] if len(workspaces) == 1 else str(request.user.pk)


def busy_page(request: HttpRequest, busy: Busy) -> HttpResponse:
    if "HX-Request" in request.headers:
        return HttpResponse(format_html("<p>{}</p>", busy.message))  # a part of a page shows no other status
    page = HttpResponse(get_template("busy.html").render({"message": busy.message}), status=busy.status)
    page["Retry-After"] = str(RETRY_SECONDS)
    return page
