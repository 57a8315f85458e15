"""What gunicorn serves in test_broken_downloads: a file of which the second half fails, through the platform's middleware."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from rvm.platform.csv_export import BLOCK_ROWS, csv_response


def rows(count: int, fail: bool) -> Iterator[list[str]]:
    for number in range(count):
        yield [str(number)]
    if fail:
        raise RuntimeError("broken")


def whole(request: HttpRequest) -> StreamingHttpResponse:
    return csv_response(rows(2 * BLOCK_ROWS, fail=False), "list.csv")


def broken(request: HttpRequest) -> StreamingHttpResponse:
    return csv_response(rows(2 * BLOCK_ROWS, fail=True), "list.csv")


urlpatterns = [path("whole", whole), path("broken", broken)]
application = get_wsgi_application()
settings.ROOT_URLCONF = __name__
