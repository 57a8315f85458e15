"""Admin pages of telephony setups. Credentials can be entered but are never shown; services make all changes."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from delivery.carriers import CARRIERS, carrier_gone
from delivery.carriers.base import Carrier, Credential
from delivery.carriers.sandbox import Sandbox
from delivery.selectors.setup_stats import MAX_COUNTED, open_attempts, stats_of
from delivery.setups.breaker_admin import SetupBreaker
from delivery.setups.callback_admin import SetupCallbackAddress
from delivery.setups.connection_test_admin import Enabling, SetupConnectionTest
from delivery.setups.services import (
    AGREEMENT,
    MAX_CREDENTIAL_LENGTH,
    SETTINGS,
    candidate,
    create_setup,
    credential_names,
    help_of,
    update_setup,
)
from rvm.platform.admin.form_errors import ServiceForm, changed_columns, copy_state
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.database.clock import database_now
from rvm.platform.roles import Right
from usecases.admin.use_cases import NotDeletedFilter
from usecases.models import TelephonySetup, TelephonySetupQuerySet
from usecases.services import delete_setup
from usecases.services.callback_secrets import earlier_until

_STATE = (
    "callback_address", "tested", "breaker", "open_drops", "lately", "created_at", "updated_at", "deleted_at",
)  # fmt: skip
# At the top of a setup's page, whose buttons and switches follow from it.
_FIRST = ("carrier_told", "state_told")
# What a state means for voicemails, and what to do; of a failing one its breaker says it.
_MEANINGS = {
    "deleted": "nothing is sent through it; reports of what was are still heard",
    "carrier gone": "its voicemails wait until your operator installs the carrier again, or its use cases get another setup",
    "no agreement": "its voicemails wait until “Agreement with the carrier” has its day, or says why none is needed",
    "draining": "no new attempt goes through it; “Open attempts” says when it is empty",
    "disabled": "its voicemails wait, and new ones are refused",
}


def field_name(carrier: str, credential: str) -> str:
    """A carrier's credential as a field. `$` is in no name of either, and scripts, whose variables the fields are, take it."""
    return f"credential_{carrier}${credential}"


def _field(carrier: type[Carrier], credential: Credential) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget if credential.secret else UnfoldAdminTextInputWidget
    return forms.CharField(
        label=credential.label,
        required=False,
        max_length=MAX_CREDENTIAL_LENGTH,
        help_text=help_of(carrier, credential),
        widget=widget(attrs={"autocomplete": "new-password" if credential.secret else "off"}),
    )


def counted(count: int) -> str:
    """A count of open attempts, which ends at MAX_COUNTED."""
    return f"{count:,}{' or more' if count == MAX_COUNTED else ''}"


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are two or more."""
    for length, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


CREDENTIAL_FIELDS = {
    field_name(carrier.name, credential.name): _field(carrier, credential)
    for carrier in CARRIERS.values()
    for credential in carrier.credential_fields
}


class BareSetupForm(ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {}

    class Meta:
        model = TelephonySetup
        fields = ("workspace", "name", "carrier", *SETTINGS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "carrier" in self.fields:
            names = [(name, carrier.label) for name, carrier in sorted(CARRIERS.items())]
            self.fields["carrier"] = forms.ChoiceField(choices=names, widget=UnfoldAdminSelectWidget())
        set_now = [] if self.instance._state.adding else credential_names(self.instance)
        for name in CREDENTIAL_FIELDS.keys() & self.fields.keys():
            if name.removeprefix(field_name(self.instance.carrier, "")) in set_now:
                help_text = f"{self.fields[name].help_text}".rstrip(".")
                self.fields[name].help_text = f"{help_text}. It is set; leave this empty to keep it."
                self.fields[name].widget.attrs["placeholder"] = "••••••••"

    def credentials(self, carrier: str) -> dict[str, str]:
        """Entered credentials of the carrier by name, without empty ones."""
        start = field_name(carrier, "")
        typed = {name.removeprefix(start): text for name, text in self.cleaned_data.items() if name.startswith(start)}
        return {name: text for name, text in typed.items() if text}

    def _refuse(self, name: str, texts: list[str]) -> None:
        carrier = self.cleaned_data.get("carrier") or self.instance.carrier
        super()._refuse(name.replace("credentials/", field_name(carrier, "")), texts)


SetupForm = type("SetupForm", (BareSetupForm,), dict(CREDENTIAL_FIELDS))


@admin.register(TelephonySetup)
class TelephonySetupAdmin(SetupConnectionTest, SetupBreaker, SetupCallbackAddress, ScopedModelAdmin):
    change_form_outer_before_template = "delivery/admin/setup_buttons.html"
    right_to_add = Right.SET_UP
    right_to_change = Right.SET_UP
    right_to_delete = Right.SET_UP
    form = SetupForm
    list_display = ("name", "carrier_label", "state", "pace_per_second", "in_flight_cap", "workspace")
    list_filter = (("workspace", ScopedFilter), NotDeletedFilter)
    list_select_related = ("workspace",)
    search_fields = ("name",)
    ordering = ("-id",)
    # The page that adds a setup shows the fields of the chosen carrier only.
    conditional_fields: ClassVar[dict[str, str]] = {
        field_name(carrier.name, credential.name): f"carrier == '{carrier.name}'"
        for carrier in CARRIERS.values()
        for credential in carrier.credential_fields
    } | dict.fromkeys(AGREEMENT, f"carrier != '{Sandbox.name}'") if len(CARRIERS) > 1 else {}  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[TelephonySetup]:
        return cast(TelephonySetupQuerySet, super().get_queryset(request)).with_callback_secrets()

    def unseen(self, row: TelephonySetup) -> dict[str, Any]:
        return {"credentials": row.credentials_version}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        editable = obj is None or self.has_change_permission(request, obj)
        names = [name for name in CREDENTIAL_FIELDS if obj is None or name.startswith(field_name(obj.carrier, ""))]
        found: list[Any] = [
            (
                None,
                {
                    "fields": (
                        "workspace",
                        "name",
                        *(("carrier",) if obj is None else _FIRST),
                        "enabled",
                        "draining",
                        "free_to_recipient",
                    )
                },
            ),
            ("Credentials", {"fields": (names if editable else None) or ("credentials_set",)}),
            *([("Agreement with the carrier", {"fields": AGREEMENT})] if obj is None or obj.live else []),
            ("Pace", {"fields": ("pace_per_second", "in_flight_cap")}),
            ("Waiting for the carrier", {"fields": ("report_horizon_hours", "confirm_horizon_hours")}),
        ]
        if obj is not None:
            state = _STATE if self.may(Right.ROTATE, request, obj) else _STATE[1:]
            found.append(("State", {"fields": state}))
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*super().get_readonly_fields(request, obj), *_FIRST, "credentials_set", *_STATE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj is not None and obj.deleted_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.deleted_at)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("add"):
            # The change page has no carrier field for the conditions to depend on.
            context["earlier_until"] = earlier_until(context["original"], database_now())
            context["adminform"].model_admin = unconditional = copy(self)
            unconditional.conditional_fields = {}  # type: ignore[misc]
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Carrier", ordering="carrier")
    def carrier_label(self, setup: TelephonySetup) -> str:
        adapter = CARRIERS.get(setup.carrier)
        return adapter.label if adapter else f"{setup.carrier}, which is not installed any more"

    @display(
        description="State",
        label={
            "enabled": "success",
            "disabled": "warning",
            "carrier gone": "danger",
            "draining": "warning",
            "no agreement": "danger",
            "failing": "danger",
            "deleted": "danger",
        },
    )
    def state(self, setup: TelephonySetup) -> str:
        if setup.deleted_at:
            return "deleted"
        if carrier_gone(setup):
            return "carrier gone"
        if setup.enabled and not setup.agreed:
            return "no agreement"
        if setup.enabled and setup.breaker_until is not None:
            return "failing"
        if setup.enabled and setup.draining:
            return "draining"
        return "enabled" if setup.enabled else "disabled"

    @display(description="Carrier")
    def carrier_told(self, setup: TelephonySetup) -> str:
        rings = "; it calls, so that the telephone rings, and only use cases that allow ringing can have it"
        return f"{self.carrier_label(setup)}{rings if setup.rings else ''}"

    @display(description="State now")
    def state_told(self, setup: TelephonySetup) -> str:
        state = self.state(setup)
        meaning = setup.breaker_reason if state == "failing" else _MEANINGS.get(state)
        return f"{state}: {meaning}" if meaning else state

    @display(description="Credentials that are set")
    def credentials_set(self, setup: TelephonySetup) -> str:
        return ", ".join(credential_names(setup)) or "none"

    @display(description="Open attempts")
    def open_drops(self, setup: TelephonySetup) -> str:
        [found] = open_attempts([setup.pk], database_now()).values()
        if not found.total:
            return (
                "none: nothing is on its way"
                if not setup.draining
                else "none: it is empty, and may be changed or deleted"
            )
        waits = f"{counted(found.accepted)} wait for a report, {counted(found.unreported)} of them since over an hour"
        return f"{counted(found.sending)} on their way, {counted(found.uncertain)} unclear, {waits}"

    @display(description="Its carrier in the last 24 hours")
    def lately(self, setup: TelephonySetup) -> str:
        [found] = stats_of([setup.pk], database_now()).values()
        if found.accept_rate is None:
            return "nothing was sent and answered"
        taken = f"took {found.accept_rate:.1%} of {found.sampled:,} attempts"
        if found.report_median is None or found.report_p95 is None:
            return f"{taken}; no report yet"
        times = (
            f"half of the reports within {duration(found.report_median)}, 95 of 100 within {duration(found.report_p95)}"
        )
        return f"{taken}; {times}"

    def save_model(self, request: HttpRequest, obj: TelephonySetup, form: Any, change: bool) -> None:
        asked, actor = form.cleaned_data, acting_user(request)
        if change:
            typed, changes = form.credentials(obj.carrier) or None, changed_columns(form)
            if asked["enabled"] and (typed or "enabled" in changes):
                enabling = Enabling(obj, candidate(obj, typed or {}), typed)
                update_setup(
                    setup=obj, actor=actor, **{name: new for name, new in changes.items() if name != "enabled"}
                )
                self.enable_after_test(request, enabling)
            else:
                update_setup(setup=obj, credentials=typed, actor=actor, **changes)
            return
        credentials = form.credentials(asked["carrier"])
        written = create_setup(
            workspace=asked["workspace"],
            name=asked["name"],
            carrier=asked["carrier"],
            credentials=credentials,
            actor=actor,
            **{name: asked[name] for name in SETTINGS if name in asked} | {"enabled": False},
        )
        copy_state(obj, written)
        if asked["enabled"]:
            self.enable_after_test(request, Enabling(written, candidate(written, {})))

    def delete_model(self, request: HttpRequest, obj: TelephonySetup) -> None:
        delete_setup(setup=obj, actor=acting_user(request))
