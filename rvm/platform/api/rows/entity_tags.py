"""Entity tags of rows (RFC 9110, section 8.8.3), and the requests that depend on them.

A tag is of what one key is answered, and changes with it. It has two parts: the version of the row, and a hash of what the platform
tells beside it, such as how far a campaign is. `If-Match` compares versions, so that what the engine counts makes no tag stale
(decision record 0039); `If-None-Match` compares the whole.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Model
from django.http.response import HttpResponseBase
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problems import Problem
from rvm.platform.api.rows.serializers import RowSerializer
from rvm.platform.audit.numbers_shown import given_by_caller
from rvm.platform.errors import ServiceError
from rvm.platform.versions import version_of

Handler = Callable[..., HttpResponseBase]
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LIST = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
_VERSION_DIGITS, _BESIDE_DIGITS = 32, 16


class EntityTag(NamedTuple):
    """The tag of a row: its version, and the hash of what is told beside it."""

    version: str
    beside: str

    def __str__(self) -> str:
        return f'"{self.version}.{self.beside}"'


def tag_of(row: Mapping[str, Any], serializer: type[Any]) -> EntityTag:
    """The tag of a row as an answer has it."""
    beside, passing = _kinds(serializer)
    told = {name: row[name] for name in beside if name in row}
    own = {name: value for name, value in row.items() if name not in beside and name not in passing}
    return EntityTag(version_of(own).hex()[:_VERSION_DIGITS], version_of(told).hex()[:_BESIDE_DIGITS])


def _kinds(serializer: type[Any]) -> tuple[frozenset[str], frozenset[str]]:
    return (
        (serializer.beside, serializer.passing) if issubclass(serializer, RowSerializer) else (frozenset(), frozenset())
    )


class Wanted:
    """The tags of a header `If-Match` or `If-None-Match`. Raises Problem for what is none."""

    def __init__(self, header: str, name: str) -> None:
        self.any = header.strip() == "*"
        if not self.any and not _LIST.fullmatch(header):
            raise Problem(
                codes.BAD_REQUEST,
                f'{name} cannot be read. Send the `ETag` of an answer as it is, with its quotes, such as "3f2a….9c01…", several '
                "separated by commas, or *.",
            )
        self._tags = [(bool(weak), tag) for weak, tag in _TAG.findall(header)]

    def has_version(self, tag: EntityTag) -> bool:
        """Whether one of the strong tags is of this version."""
        versions = {text.partition(".")[0] for weak, text in self._tags if not weak}
        return self.any or tag.version in versions

    def has(self, tag: EntityTag) -> bool:
        """Whether one of the tags is this one. A proxy that compresses an answer makes its tag a weak one."""
        return self.any or f"{tag.version}.{tag.beside}" in {text for _, text in self._tags}


def conditional(handler: Handler) -> Handler:
    """Decorate a handler of a RowsView so that an answer with the row has its tag, and that `If-Match` counts where the address names
    a row, and `If-None-Match` where the answer shows it."""

    @functools.wraps(handler)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        work = functools.partial(handler, view, request, *args, **kwargs)
        ids = {name: value for name, value in view.kwargs.items() if name != "workspace_id"}
        if "If-Match" in request.headers and request.method not in SAFE_METHODS and view.is_of_row(ids):
            return _tagged(
                view, request, _if_unchanged(view, ids, Wanted(request.headers["If-Match"], "If-Match"), work)
            )
        return _tagged(view, request, work())

    return wrapper


def _if_unchanged(
    view: Any, ids: Mapping[str, Any], wanted: Wanted, work: Callable[[], HttpResponseBase]
) -> HttpResponseBase:
    """Do the work if the row has the wanted version, and hold its lock from before it is compared until the work is done."""
    with transaction.atomic():
        for row in view.rows_to_lock(view.find(**ids)):
            _lock(row)
        row = view.find(**ids)
        with given_by_caller():  # nothing of it is shown
            tag = tag_of(view.serialize(row), view.serializer_class)
        if not wanted.has_version(tag):
            raise Problem(codes.PRECONDITION_FAILED, headers={"ETag": str(tag)})
        try:
            return work()
        except ServiceError as refusal:
            if not refusal.keeps_work:
                raise
            kept = refusal
    raise kept


def _lock(row: Model) -> None:
    type(row)._default_manager.select_for_update(no_key=True, of=("self",)).only("pk").filter(pk=row.pk).first()


def _tagged(view: Any, request: Request, response: HttpResponseBase) -> HttpResponseBase:
    if not isinstance(response, Response) or response.status_code >= 300 or not _is_row(view, response):
        return response
    tag = tag_of(response.data, view.serializer_class)
    if (
        request.method in SAFE_METHODS
        and "If-None-Match" in request.headers
        and Wanted(request.headers["If-None-Match"], "If-None-Match").has(tag)
    ):
        return Response(status=304, headers={"ETag": str(tag)})
    response["ETag"] = str(tag)
    return response


def _is_row(view: Any, response: Response) -> bool:
    """Whether the answer is the row that its address names, or the one that the request has made."""
    if not isinstance(response.data, Mapping) or "id" not in response.data:
        return False
    row_id = str(response.data["id"])
    return row_id in map(str, view.kwargs.values()) or response.get("Location", "").endswith(f"/{row_id}")
