"""The question before what cannot be taken back: a page of its own that says what it does, and whose button does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin import ModelAdmin
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods


@dataclass(frozen=True, repr=False)
class Question:
    """`says`: what the button does, or why there is none any more, then without a `button`. `fields`: what is posted with it, and
    `form` what the user chooses."""

    title: str
    says: str
    button: str = ""
    fields: Sequence[tuple[str, str]] = ()
    variant: str = "danger"
    form: Form | None = None


def asks(
    page: ModelAdmin[Any],
    view: Callable[[HttpRequest, UUID], HttpResponse],
    question: Callable[[HttpRequest, UUID], Question],
) -> Callable[..., HttpResponse]:
    """The view of a row behind its question: GET asks, POST acts. `question` asks for the same rights as the view."""

    def asked(request: HttpRequest, object_id: UUID) -> HttpResponse:
        if request.method == "POST":
            return view(request, object_id)
        return ask(page, request, question(request, object_id), page_of_row(page, object_id))

    return page.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(asked))


def ask(page: ModelAdmin[Any], request: HttpRequest, question: Question, back: str) -> HttpResponse:
    """The page with the question; its form is posted to the address of the page."""
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": question.title,
        "question": question,
        "back": back,
    }
    return TemplateResponse(request, "platform/admin/question.html", context)


def page_of_row(page: ModelAdmin[Any], object_id: UUID) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_change", args=[object_id])
