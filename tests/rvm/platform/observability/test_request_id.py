"""A request's id comes in where it is sane, goes out, and is on its access line, which shows no query."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from structlog.testing import capture_logs

from rvm.platform.observability.request_id import RequestIdMiddleware, current_request_id


def answer(**headers: str) -> tuple[HttpResponse, str, list[dict[str, object]]]:
    seen: list[str] = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(current_request_id())
        return HttpResponse("body", status=201)

    request = RequestFactory().post(
        "/v1/x/voicemail?recipient_phone_number=%2B12025550142", b"secret", "text/plain", headers=headers
    )
    with capture_logs() as logs:
        response = RequestIdMiddleware(view)(request)
    assert isinstance(response, HttpResponse)
    return response, seen[0], [dict(entry) for entry in logs]


@pytest.mark.parametrize("given", ["abc", "A.b_c-1", "x" * 64])
def test_a_sane_id_is_taken_over(given: str) -> None:
    response, inside, _ = answer(**{"X-Request-Id": given})
    assert response["X-Request-Id"] == inside == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\x07b", "ä", "<script>"])
def test_any_other_is_replaced(given: str) -> None:
    response, inside, _ = answer(**{"X-Request-Id": given})
    assert response["X-Request-Id"] == inside != given
    assert len(inside) == 36


@pytest.mark.parametrize("given", ["2025550142", "call-202-555-0142", "1.202.555.0142"])
def test_an_id_that_looks_like_a_phone_number_is_replaced(given: str) -> None:
    response, inside, _ = answer(**{"X-Request-Id": given})
    assert response["X-Request-Id"] == inside != given


@pytest.mark.parametrize("given", ["6f1d2c3b-2025-4550-8142-202555014212", "1764442800", "2026-11-29T19.10.00Z"])
def test_ids_and_times_of_callers_are_not_mistaken_for_numbers(given: str) -> None:
    response, inside, _ = answer(**{"X-Request-Id": given})
    assert response["X-Request-Id"] == inside == given


def test_the_access_line_has_path_and_status_and_neither_query_nor_body() -> None:
    _, _, [line] = answer()
    assert line["method"] == "POST" and line["path"] == "/v1/…" and line["status"] == 201
    assert isinstance(line["ms"], float)
    assert "2025550142" not in str(line) and "secret" not in str(line)
