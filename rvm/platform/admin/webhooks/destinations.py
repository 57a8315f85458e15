"""The admin of webhook destinations: their state in words, and what an administrator does with them. A secret is shown once, in the
response to the request that made it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from rvm.platform.admin.form_errors import changed_columns, copy_state
from rvm.platform.admin.questions import Question, asks, page_of_row
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.admin.webhooks.forms import DestinationForm, ReplayForm, SecretRotationForm
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.events.feed import KEPT
from rvm.platform.models import WebhookDestination
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import Right
from rvm.platform.times import moments
from rvm.platform.webhooks import destinations, switches

TAKES, FAILING, DISABLED = "takes webhooks", "failing", "disabled"
# What is about to be too old for the feed when the request arrives is asked for a moment later.
_AT_THE_END = timedelta(minutes=1)
# It is shown once, by the hook that follows the one that makes it.
_SECRET = RequestValue[str]("secret")


def state_in_words(destination: WebhookDestination) -> str:
    """Whether the destination takes what it is sent, and if not, since when and what happens next."""
    if destination.disabled_at is not None:
        because = destination.disabled_because or "Somebody disabled it."
        return f"disabled since {moments.moment(destination.disabled_at)}. {because}"
    if destination.failing_since is None:
        return TAKES
    since = f"failing since {moments.moment(destination.failing_since)}"
    if destination.waits_until is None:
        return f"{since}; each webhook is tried again by its schedule"
    return f"{since}; next attempt {moments.moment_to_the_second(destination.waits_until)}"


@admin.register(WebhookDestination)
class WebhookDestinationAdmin(ScopedModelAdmin):
    right_to_add = Right.SET_UP
    right_to_change = Right.SET_UP
    right_to_delete = Right.SET_UP
    form = DestinationForm
    list_display = ("name", "host", "state", "kind", "events", "workspace", "created_at")
    list_filter = (("workspace", ScopedFilter), "live")
    list_select_related = ("workspace",)
    search_fields = ("name",)
    ordering = ("-id",)
    fixed_fields = ("workspace", "live")
    change_form_outer_before_template = "platform/admin/webhook_destination_buttons.html"
    _template: ClassVar[str] = "platform/admin/webhook_secret_shown.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at=None)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"live": True, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        editable = obj is None or self.has_change_permission(request, obj)
        world = "live" if obj is None else "kind"
        found: list[Any] = [
            (None, {"fields": ("workspace", world, "name", "url" if editable else "host", "description")}),
            ("What it is told", {"fields": ("accepted_event_types" if editable else "events", "signature")}),
            ("Pace", {"fields": ("concurrency", "pace_per_second")}),
        ]
        if obj is not None:
            found.insert(0, ("State", {"fields": ("condition", "secrets", "created_at", "updated_at")}))
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = ("kind", "condition", "secrets", "host", "events", "created_at", "updated_at")
        return () if obj is None else (*super().get_readonly_fields(request, obj), *shown)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if (row := kwargs.get("obj")) is not None:
            listed = reverse("admin:platform_webhookdelivery_changelist")
            context["deliveries"] = f"{listed}?destination__id__exact={row.pk}"
        return super().render_change_form(request, context, *args, **kwargs)

    # how it is shown

    @display(description="Host")
    def host(self, destination: WebhookDestination) -> str:
        """The rest of an address often holds a token."""
        return urlsplit(destination.url).netloc

    @display(description="Kind", label={"live": "info", "test": "warning"})
    def kind(self, destination: WebhookDestination) -> str:
        return "live" if destination.live else "test"

    @display(description="Events")
    def events(self, destination: WebhookDestination) -> str:
        return ", ".join(destination.accepted_event_types) or "all"

    @display(description="State", label={TAKES: "success", FAILING: "warning", DISABLED: "danger"})
    def state(self, destination: WebhookDestination) -> str:
        if destination.disabled_at is not None:
            return DISABLED
        return FAILING if destination.failing_since is not None else TAKES

    @display(description="State")
    def condition(self, destination: WebhookDestination) -> str:
        return state_in_words(destination)

    @display(description="Secrets")
    def secrets(self, destination: WebhookDestination) -> str:
        now = database_now()
        found = destination.secrets.defer("secret").order_by("-id")
        return "; ".join(
            f"…{each.last4}, made {moments.moment(each.created_at)}"
            + (f", signs until {moments.moment(each.expires_at)}" if each.expires_at else "")
            for each in found
            if each.signs(now)
        )

    # how it is changed

    def save_model(self, request: HttpRequest, obj: WebhookDestination, form: Any, change: bool) -> None:
        actor = acting_user(request)
        if change:
            destinations.update_destination(destination=obj, actor=actor, **changed_columns(form))
            return
        asked = {name: form.cleaned_data[name] for name in destinations.CHANGEABLE}
        written, secret = destinations.create_destination(
            workspace=form.cleaned_data["workspace"], live=form.cleaned_data["live"], actor=actor, **asked
        )
        copy_state(obj, written)
        _SECRET.set(request, secret)

    def response_add(
        self, request: HttpRequest, obj: WebhookDestination, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_once(request, obj, _SECRET.require(request))

    def delete_model(self, request: HttpRequest, obj: WebhookDestination) -> None:
        destinations.delete_destination(destination=obj, actor=acting_user(request))

    # what is done with it

    def get_urls(self) -> list[URLPattern]:
        asked = {
            "rotate": asks(self, self.rotate, self.about_rotation),
            "enable": asks(self, self.enable, self.about_enabling),
            "disable": asks(self, self.disable, self.about_disabling),
            "replay": asks(self, self.replay, self.about_replay),
            "test": self.admin_site.admin_view(require_POST(self.test)),
        }
        own = [
            path(f"<uuid:object_id>/{name}/", view, name=f"platform_webhookdestination_{name}")
            for name, view in asked.items()
        ]
        return [*own, *super().get_urls()]

    def about_rotation(self, request: HttpRequest, object_id: UUID) -> Question:
        destination = self._managed(request, object_id, Right.ROTATE)
        return Question(
            f"Rotate the secret of “{destination.name}”?",
            "A new secret is made and shown once. For as long as you choose, each webhook is signed with both, so that the receiver "
            "may verify with either; a still older secret ends at once.",
            "Rotate the secret",
            variant="primary",
            form=SecretRotationForm(),
        )

    def about_enabling(self, request: HttpRequest, object_id: UUID) -> Question:
        destination = self._managed(request, object_id)
        if destination.disabled_at is None:
            return Question("Enable it?", "It is enabled already.")
        return Question(
            f"Enable “{destination.name}”?",
            f"It is told of everything since {moments.moment(destination.disabled_at)}, as far as events are kept, which is 30 days.",
            "Enable it",
            variant="primary",
        )

    def about_disabling(self, request: HttpRequest, object_id: UUID) -> Question:
        destination = self._managed(request, object_id)
        if destination.disabled_at is not None:
            return Question("Disable it?", "It is disabled already.")
        return Question(
            f"Disable “{destination.name}”?",
            "It is sent nothing until somebody enables it. What happens meanwhile is kept for it for 30 days.",
            "Disable it",
        )

    def about_replay(self, request: HttpRequest, object_id: UUID) -> Question:
        destination = self._managed(request, object_id)
        if destination.disabled_at is not None:
            return Question("Send webhooks again?", "It is disabled and is sent nothing; enable it first.")
        return Question(
            f"Send webhooks to “{destination.name}” again?",
            "All events since then that it takes are sent to it again, in their order and with the ids that they had. A receiver "
            "that remembers ids knows them.",
            "Send them again",
            variant="primary",
            form=ReplayForm(),
        )

    def rotate(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        destination = self._managed(request, object_id, Right.ROTATE)
        overlap = timedelta(hours=_chosen(SecretRotationForm(request.POST), "overlap_hours"))
        try:
            row, secret = destinations.rotate_secret(
                destination=destination, overlap=overlap, actor=acting_user(request)
            )
        except ServiceError as refusal:
            raise PermissionDenied(refusal.message) from None
        return self._show_once(request, row, secret)

    def enable(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        switches.enable(self._managed(request, object_id), actor=acting_user(request))
        messages.success(request, "It is enabled, and told of what it has missed.")
        return redirect(page_of_row(self, object_id))

    def disable(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        switches.disable(self._managed(request, object_id), actor=acting_user(request))
        messages.success(request, "It is disabled, and is sent nothing until somebody enables it.")
        return redirect(page_of_row(self, object_id))

    def test(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        destination = self._managed(request, object_id)
        try:
            destinations.send_ping(destination=destination, actor=acting_user(request))
            messages.success(request, "A test is on its way. The list of its deliveries says what became of it.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect(page_of_row(self, object_id))

    def replay(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        destination = self._managed(request, object_id)
        hours = _chosen(ReplayForm(request.POST), "hours")
        try:
            count = destinations.replay_since(destination=destination, since=_since(hours), actor=acting_user(request))
            messages.success(request, f"{count:,} {'event is' if count == 1 else 'events are'} sent again.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect(page_of_row(self, object_id))

    def _managed(self, request: HttpRequest, object_id: UUID, needed: Right = Right.SET_UP) -> WebhookDestination:
        destination: WebhookDestination = self.get_object(request, str(object_id))
        if not self.may(needed, request, destination):
            raise PermissionDenied
        return destination

    def _show_once(self, request: HttpRequest, destination: WebhookDestination, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "The secret of your webhooks",
            "destination": destination,
            "plaintext": secret,
        }
        return TemplateResponse(request, self._template, context, headers={"Cache-Control": "no-store"})


def _chosen(form: Form, name: str) -> int:
    """What was chosen on the page of a question. Raises PermissionDenied for what it does not offer."""
    if not form.is_valid():
        raise PermissionDenied("Choose one of those that the page offers.")
    value: int = form.cleaned_data[name]
    return value


def _since(hours: int) -> datetime:
    return database_now() - min(timedelta(hours=hours), KEPT - _AT_THE_END)
