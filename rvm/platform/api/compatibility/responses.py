"""What differs in responses under the prefix: a list that asks for no `limit` comes in one piece, the token of a page is an integer,
the `detail` of wrong fields is a list, and texts that are never null there are empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.response import Response

from rvm.platform.api import problems
from rvm.platform.api.compatibility.prefix import is_compatible
from rvm.platform.api.pagination import Item, Page
from rvm.platform.api.problems import Problem, invalid

# The most rows of a list in one piece, and the first row of the last page.
MAX_WHOLE = 1000
MAX_OFFSET = 100_000
_INTEGER = re.compile(r"[0-9]{1,6}")
# Texts that the reference platform never gives as null.
_TEXTS = ("recipient_phone_number", "sender_phone_number", "display_name", "notes")


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: that of `problems`, but wrong fields are the list that `detail` is there, and `message` says it."""
    response = problems.exception_handler(error, context)
    if response is None or not is_compatible(context["request"]):
        return response
    if response.status_code == 422 and "errors" in response.data:
        body, place = response.data, "query" if context["request"].method in ("GET", "HEAD") else "body"
        detail = [
            {"loc": [place, *_path(error["pointer"])], "msg": error["detail"], "type": error["code"]}
            for error in body["errors"]
        ]
        response.data = {**body, "message": body["detail"], "detail": detail}
    return response


def _path(pointer: str) -> list[str | int]:
    """The names and positions of a JSON pointer."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return [int(part) if _INTEGER.fullmatch(part) else part for part in parts]


def page(queryset: QuerySet[Item], *, limit: int | None, continuation_token: object) -> Page[Item]:
    """The whole list if the caller asks for no page, else the page that begins at an integer token. Raises Problem (422)."""
    offset, size = _offset(continuation_token), limit or MAX_WHOLE
    items = list(queryset.order_by("-id")[offset : offset + size + 1])
    has_more = len(items) > size
    if has_more and limit is None:
        raise _too_long()
    return Page(items[:size], offset + size if has_more else None, has_more)


def _offset(token: object) -> int:
    text = str(token or 0)
    if not _INTEGER.fullmatch(text) or int(text) > MAX_OFFSET:
        raise invalid(
            "/continuation_token",
            f"The token is an integer of the page before, at most {MAX_OFFSET:,}; narrow a longer list by its filters.",
            "continuation_token_invalid",
        )
    return int(text)


def _too_long() -> Problem:
    return invalid(
        "/limit",
        f"This list has more than {MAX_WHOLE:,} rows, the most that come in one piece. Narrow it by its filters, or read it in pages "
        "with `limit` and `continuation_token`.",
        "list_too_long",
    )


def with_texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with empty texts instead of nulls, where the reference platform has a text."""
    return {**row, **{name: "" for name in _TEXTS if name in row and row[name] is None}}
