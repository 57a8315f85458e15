"""What gunicorn serves in test_worker: how much body it was sent, without Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    size = 0
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("It fails before it answers.")
    if environ["PATH_INFO"] != "/unread":
        while chunk := environ["wsgi.input"].read(64 * 1024):
            size += len(chunk)
    answer = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']} {size}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]
