"""The page of a workspace about its data: for how long they are kept, legal holds, and people who were erased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.admin.versions.forms import versioned
from rvm.platform.admin.versions.meanwhile import Meanwhile
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import id_in
from rvm.platform.models import MAX_HOLD_REASON, Erasure, LegalHold, RetentionRule, Workspace
from rvm.platform.retention import holds, rules
from rvm.platform.retention.purges import MAX_COUNTED, waiting
from rvm.platform.retention_kinds import DECIDED, TERMS, RetentionKind
from rvm.platform.roles import Right

MAX_SHOWN = 50


class DaysForm(forms.Form):
    """One field for each kind that a workspace decides on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in DECIDED:
            term = TERMS[kind]
            self.fields[kind.value] = forms.IntegerField(
                label=kind.label,
                min_value=term.least,
                max_value=term.most,
                widget=UnfoldAdminIntegerFieldWidget(),
                help_text=f"{term.covers} {term.least} to {term.most} days; {term.days} unless somebody decides otherwise.",
            )


class HoldForm(forms.Form):
    covers = forms.ChoiceField(label="What it covers", widget=UnfoldAdminSelectWidget())
    reason = forms.CharField(
        max_length=MAX_HOLD_REASON,
        label="Why",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as the name or number of the matter. Without names or numbers of patients.",
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        covers = cast(forms.ChoiceField, self.fields["covers"])
        covers.choices = [("", f"All of {workspace.name}"), *holds.holdable(workspace.pk)]
        covers.required = False


class LiftForm(forms.Form):
    reason = forms.CharField(
        max_length=MAX_HOLD_REASON,
        label="Why it is lifted",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


class RetentionPages(ScopedModelAdmin):
    """For the ModelAdmin of workspaces."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            ("", require_safe(self.retention), "retention"),
            ("days/", require_POST(self.change_days), "retention_days"),
            ("hold/", require_POST(self.place_hold), "retention_hold"),
            ("lift/", require_POST(self.lift_hold), "retention_lift"),
        ]
        return [
            *(
                path(
                    f"<uuid:object_id>/retention/{address}",
                    self.admin_site.admin_view(view),
                    name=f"platform_workspace_{name}",
                )
                for address, view, name in pages
            ),
            *super().get_urls(),
        ]

    def retention(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        workspace: Workspace = self.get_object(request, str(object_id))
        return self._retention(request, workspace)

    def change_days(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Changes the days, or, if `look` was pressed, shows what the next purge would remove with them."""
        workspace = self._deciding(request, object_id)
        with transaction.atomic():
            # Of two who change them at once, the second compares with what the first has written.
            Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
            form = _days_form(workspace, request.POST)
            if not form.is_valid() or "look" in request.POST:
                return self._retention(request, workspace, days_form=form)
            for kind in DECIDED:
                rules.set_days(workspace, kind, form.cleaned_data[kind.value], actor=acting_user(request))
        messages.success(request, "What is older than this goes with the next purge, within a quarter of an hour.")
        return self._back(workspace)

    def place_hold(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        workspace = self._deciding(request, object_id)
        form = HoldForm(workspace, request.POST)
        if not form.is_valid():
            return self._retention(request, workspace, hold_form=form)
        campaign_id = id_in(form.cleaned_data["covers"])
        name = dict(holds.holdable(workspace.pk)).get(form.cleaned_data["covers"], workspace.name)
        holds.place(
            workspace,
            campaign_id=campaign_id,
            name=name,
            reason=form.cleaned_data["reason"],
            actor=acting_user(request),
        )
        messages.success(request, f"From now on nothing of {name} is purged or erased, until the hold is lifted.")
        return self._back(workspace)

    def lift_hold(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        workspace = self._deciding(request, object_id)
        chosen = id_in(request.POST.get("chosen", ""))
        hold = holds.standing(workspace.pk).filter(pk=chosen).first() if chosen else None
        if hold is None:
            messages.warning(request, "No such hold stands on this workspace any more.")
            return self._back(workspace)
        form = LiftForm(request.POST)
        if not form.is_valid():
            return self._retention(request, workspace, lift_forms={hold.pk: form})
        holds.lift(hold, reason=form.cleaned_data["reason"], actor=acting_user(request), now=database_now())
        messages.success(request, f"The hold on {hold.name} is lifted. What is past its days goes with the next purge.")
        return self._back(workspace)

    def _deciding(self, request: HttpRequest, object_id: UUID) -> Workspace:
        workspace: Workspace = self.get_object(request, str(object_id))
        if not self.may(Right.RETAIN, request, workspace):
            raise PermissionDenied
        return workspace

    def _back(self, workspace: Workspace) -> HttpResponse:
        return redirect(reverse("admin:platform_workspace_retention", args=[workspace.pk]))

    def _retention(
        self,
        request: HttpRequest,
        workspace: Workspace,
        *,
        days_form: Any = None,
        hold_form: HoldForm | None = None,
        lift_forms: Mapping[UUID, LiftForm] | None = None,
    ) -> HttpResponse:
        days, now = rules.days_of(workspace.pk), database_now()
        form = days_form or _days_form(workspace)
        asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
        wanted = {kind: asked.get(kind.value, days[kind]) for kind in DECIDED}
        lifted = LegalHold.objects.filter(workspace=workspace, lifted_at__isnull=False).order_by("-id")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Data kept by {workspace.name}",
            "workspace": workspace,
            "days_form": form,
            "may_decide": self.may(Right.RETAIN, request, workspace),
            "kinds": [
                (
                    form[kind.value],
                    [_told(rows, count) for rows, count in waiting(workspace.pk, now, wanted[kind], kind)],
                )
                for kind in DECIDED
            ],
            "fixed": [
                (kind.label, TERMS[kind].covers, _days(days[kind])) for kind in RetentionKind if kind not in DECIDED
            ],
            "proposed": any(wanted[kind] != days[kind] for kind in DECIDED),
            "holds": [
                (hold, (lift_forms or {}).get(hold.pk, LiftForm()))
                for hold in holds.standing(workspace.pk).select_related("placed_by").order_by("id")
            ],
            "lifted": lifted.select_related("placed_by", "lifted_by")[:MAX_SHOWN],
            "hold_form": hold_form or HoldForm(workspace),
            "erasures": [
                (
                    row,
                    ", ".join(f"{what}: {count:,}" for what, count in sorted(row.counts.items()))
                    or "nothing was known",
                )
                for row in Erasure.objects.filter(workspace=workspace)
                .select_related("asked_by")
                .order_by("-id")[:MAX_SHOWN]
            ],
            "max_shown": MAX_SHOWN,
        }
        return TemplateResponse(request, "platform/admin/retention.html", context)


def _days_form(workspace: Workspace, data: Any = None) -> Any:
    """The form with the days of now, carrying their version."""
    days = rules.days_of(workspace.pk)
    parts = RetentionRule.objects.filter(workspace=workspace).values_list("pk", flat=True)
    form = versioned(DaysForm, Meanwhile("page", workspace.pk, parts))
    return form(data, initial={kind.value: days[kind] for kind in DECIDED})


def _told(rows: str, count: int) -> str:
    return f"{rows}: more than {MAX_COUNTED:,}" if count > MAX_COUNTED else f"{rows}: {count:,}"


def _days(days: int | None) -> str:
    if days is None:
        return "for ever"
    return "a day" if days == 1 else f"{days:,} days"
