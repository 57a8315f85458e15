"""Refusals of services as form errors, so that admin and API show the same messages."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from rvm.platform.errors import ServiceError
from rvm.platform.request_values import RequestValue

# The help of fields whose text is neither encrypted nor masked.
NO_NAMES = "All members see it, and it is kept in clear: without a patient's name or number."


_REFUSAL = RequestValue[Exception]("refusal")


class ServiceForm(forms.ModelForm):
    """A form whose rows a service writes. The service, not the form, validates uniqueness and constraints."""

    refusal: ClassVar[Exception | None] = None
    refusal_fields: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django would otherwise validate the table's constraints first, with its own messages.
        self.instance.validate_constraints = lambda exclude=None: None

    def validate_unique(self) -> None: ...

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if isinstance(self.refusal, ValidationError):
            errors = self.refusal.message_dict if hasattr(self.refusal, "error_dict") else {"": self.refusal.messages}
            for name, texts in errors.items():
                self._refuse(name, texts)
        elif self.refusal is not None:
            self._refuse(getattr(self.refusal, "field", ""), [str(self.refusal)])
        return cleaned

    def _refuse(self, name: str, texts: list[str]) -> None:
        own = self.refusal_fields.get(name, name.removesuffix("_id"))
        self.add_error(own if own in self.fields else None, texts)


class FormErrorsAdmin(ModelAdmin):
    """A ModelAdmin that shows the exceptions in `refusals` as form errors: their text is the message, their `field` the place."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (ServiceError,)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except self._refusals() as refusal:
            # The transaction was rolled back. The form is processed again, now with the refusal.
            _REFUSAL.set(request, refusal)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def _refusals(self) -> tuple[type[Exception], ...]:
        return (ValidationError, *self.refusals)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        own: Any = type(form.__name__, (form,), {"refusal": _REFUSAL.get(request)})
        # A class declares its fields once for all requests; what is set on them for one must not show in another.
        own.base_fields = deepcopy(own.base_fields)
        return own

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.refusals as refusal:
            messages.error(request, str(refusal))
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return redirect(reverse(name, args=[object_id]))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The row itself only: services delete softly, or refuse with a message where Django would list protected rows."""
        plural = str(self.opts.verbose_name_plural)
        return [str(row) for row in objs], {plural: len(list(objs))}, set(), []


def copy_state(row: models.Model, written: models.Model) -> None:
    """Copy the state of the row that a service wrote into the admin's unsaved `row`."""
    row.__dict__.update(written.__dict__)


def changed_columns(form: Any) -> dict[str, Any]:
    """The names and new values of the columns that the user changed."""
    columns = {field.name for field in form._meta.model._meta.concrete_fields}
    return {name: form.cleaned_data[name] for name in form.changed_data if name in columns}
