"""Pages of a list as one iterator of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rvm_client.errors import RvmError

# The largest page that RVM gives.
PAGE = 200


def rows(fetch: Callable[[str | None], Any]) -> Iterator[Any]:
    """Every row, page by page as they are wanted; `fetch` gets the token of a page, None for the first."""
    token: str | None = None
    while True:
        page = fetch(token)
        yield from page["items"]
        if not page["has_more"]:
            return
        if page["continuation_token"] in (None, token):
            raise RvmError("The list says that it goes on, and not where. Read it again.")
        token = page["continuation_token"]
