"""The base of every ModelAdmin: users see and change rows of their own workspaces only, with the rights of their role there.

Every ModelAdmin of the site is a ScopedModelAdmin (a test checks the whole site). Lists, single rows, form choices, autocompletion
and actions are all restricted, because they use `get_queryset` or the permission methods below. The change list is a
RestrictedChangeList, which accepts only the filters of its page. Django's own permissions and groups are not used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.exceptions import NotRegistered
from django.db import models
from django.db.models import QuerySet
from django.forms import PasswordInput
from django.http import Http404, HttpRequest
from django.utils.text import camel_case_to_spaces
from unfold.contrib.filters.admin import RelatedDropdownFilter

from rvm.platform import audit
from rvm.platform.admin.form_errors import FormErrorsAdmin
from rvm.platform.admin.history.model_admin import History, RowWithTitle
from rvm.platform.admin.lists import RestrictedChangeList
from rvm.platform.admin.pickers import DayField, MomentField, MomentPicker
from rvm.platform.admin.rights import Rights, acting_user, rights_of
from rvm.platform.admin.versions.model_admin import VersionedAdmin
from rvm.platform.models import Workspace
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import Right

# Stands for a value that no event tells.
HIDDEN = "(hidden)"


class ScopedModelAdmin(History, FormErrorsAdmin, VersionedAdmin):
    """A ModelAdmin restricted to the user's workspaces.

    `workspace_path` is the lookup from the row to its workspace; None marks a table of the platform itself, for superusers only.
    `right_to_…` is the right that an operation needs; None forbids it to all users, also superusers. `fixed_fields` can be set only
    when adding.
    """

    workspace_path: ClassVar[str | None] = "workspace"
    right_to_view: ClassVar[Right | None] = Right.VIEW
    right_to_add: ClassVar[Right | None] = None
    right_to_change: ClassVar[Right | None] = None
    right_to_delete: ClassVar[Right | None] = None
    fixed_fields: ClassVar[tuple[str, ...]] = ("workspace",)

    formfield_overrides: ClassVar[Any] = {
        models.DateField: {"form_class": DayField},
        models.DateTimeField: {"form_class": MomentField, "widget": MomentPicker},
    }
    compressed_fields = True
    # What was typed is not left without a question.
    warn_unsaved_form = True
    list_filter_submit = True
    list_disable_select_all = True
    list_per_page = 50
    # unfold's page asks for it twice a row; Django takes a fifth of the page's time to find that there is none.
    list_sections: ClassVar[tuple[Any, ...]] = ()
    # A count for each choice of each filter would scan the table each time.
    show_facets = ShowFacets.NEVER
    # Bulk deletion would bypass the services.
    actions: Any = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        found.pop("delete_selected", None)
        return found

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return RestrictedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, which says what it does not understand of its filters."""
        answer = super().changelist_view(request, extra_context)
        shown = (getattr(answer, "context_data", None) or {}).get("cl")
        for fault in getattr(shown, "faults", ()):
            messages.error(request, fault)
        return answer

    # which rows

    def within(self, queryset: QuerySet[Any], rights: Rights) -> QuerySet[Any]:
        """The rows of the user's workspaces."""
        if rights.everywhere:
            return queryset
        if self.workspace_path is None or self.right_to_view is None:
            return queryset.none()
        return queryset.filter(**{f"{self.workspace_path}__in": rights.ids(self.right_to_view)})

    def workspace_id(self, row: Any) -> UUID | None:
        """The id of the row's workspace; None for a row of the platform itself."""
        if self.workspace_path is None:
            return None
        *steps, last = self.workspace_path.split("__")
        for step in steps:
            row = getattr(row, step)
        found: UUID = getattr(row, "pk" if last == "pk" else f"{last}_id")
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.within(super().get_queryset(request), rights_of(request))

    def selectable(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that other forms and filters offer as choices; a subclass may exclude rows that the list shows."""
        return self.get_queryset(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404(f"There is no such {self.opts.verbose_name} in your workspaces.")
        return row

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs.setdefault("queryset", self.choices(db_field.remote_field.model, request))
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if hasattr(field, "label_from_instance"):
            field.label_from_instance = naming(request)
        if db_field.remote_field.model is Workspace:
            only = list(field.queryset[:2])
            field.initial = only[0] if len(only) == 1 else None
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if hasattr(getattr(field, "widget", None), link):
                setattr(field.widget, link, False)
        return field

    def choices(self, model: type[models.Model], request: HttpRequest) -> QuerySet[Any]:
        """The rows of `model` that forms and filters of this table offer."""
        if model is Workspace:
            return rights_of(request).workspaces(self.right_to_add or Right.VIEW)
        try:
            return self.admin_site.get_model_admin(model).selectable(request)
        except NotRegistered:
            return model._default_manager.none()

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Rows are found by their id only, so that no secret column can be tried in its place."""
        return to_field == self.opts.pk.name

    # which rights

    def may(self, needed: Right | None, request: HttpRequest, row: Any = None) -> bool:
        rights = rights_of(request)
        if needed is None:
            return False
        if self.workspace_path is None:
            return rights.everywhere
        return rights.may_somewhere(needed) if row is None else rights.may(needed, self.workspace_id(row))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(self.right_to_view, request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(self.right_to_view, request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(self.right_to_add, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(self.right_to_change, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(self.right_to_delete, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = [name for name in self.fixed_fields if obj is not None]
        return (*super().get_readonly_fields(request, obj), *fixed)

    # how a row is called

    def row_title(self, row: Any) -> str:
        """The heading of the row's page."""
        return str(row)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        if obj is not None:
            context["original"] = RowWithTitle(obj, self.row_title(obj))
            context["show_history"] = self.has_history(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        context["object"] = RowWithTitle(context["object"], self.row_title(context["object"]))
        return super().render_delete_form(request, context)

    # writing: rows without a service of their own are audited here

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save()
        self.record(request, "updated" if change else "created", obj, changes=changes_of(form))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, "deleted", obj, was=values_of(obj))
        obj.delete()

    @property
    def noun(self) -> str:
        """The noun of the table's audit events."""
        return camel_case_to_spaces(self.model.__name__).replace(" ", "_")

    def record(self, request: HttpRequest, action: str, row: Any, **details: Any) -> None:
        workspace_id = self.workspace_id(row)
        workspace = Workspace.objects.filter(pk=workspace_id).first() if workspace_id else None
        told = {**self.identity_of(row), **details}
        audit.record(f"{self.noun}.{action}", row, actor=acting_user(request), workspace=workspace, **told)

    def identity_of(self, row: Any) -> dict[str, Any]:
        """What an event says about the row, so that it is known which one it was after it is gone."""
        return {"name": self.row_title(row)}


def changes_of(form: Any) -> dict[str, list[str]]:
    """The changed fields of a form as {name: [old, new]}; of a secret, or what is encrypted, it is told only that it changed."""
    secret = _secrets(form._meta.model)
    changes = {}
    for name in sorted(form.changed_data):
        hidden = name in secret or isinstance(form.fields[name].widget, PasswordInput)
        values = [form.initial.get(name), form.cleaned_data.get(name)]
        changes[name] = [HIDDEN, HIDDEN] if hidden else [_text(value) for value in values]
    return changes


def values_of(row: models.Model) -> dict[str, str]:
    """The row's columns as text, without secrets and what is encrypted."""
    columns = [field for field in row._meta.concrete_fields if field.name not in _secrets(type(row))]
    return {field.name: _text(field.value_from_object(row)) for field in columns}


def _secrets(model: type[models.Model]) -> set[str]:
    """The columns whose values no event tells: bytes, which are hashes or encrypted, and the hash of a password."""
    return {field.name for field in model._meta.concrete_fields if isinstance(field, models.BinaryField)} | {"password"}


def _text(value: Any) -> str:
    return str(getattr(value, "pk", value))


class ScopedFilter(RelatedDropdownFilter):
    """A filter by a related table, which offers the rows that the user may see."""

    def has_output(self) -> bool:
        """Also for somebody with one workspace, if it is asked for: another one must not be left out as if it were not."""
        return super().has_output() or bool(self.used_parameters)

    def field_choices(self, field: Any, request: HttpRequest, model_admin: ScopedModelAdmin) -> list[tuple[Any, str]]:
        named = naming(request)
        return [(row.pk, named(row)) for row in model_admin.choices(field.remote_field.model, request)]


_WORKSPACE_NAMES = RequestValue[dict[Any, str]]("workspace_names")


def naming(request: HttpRequest) -> Callable[[Any], str]:
    """How rows are named as choices: with their workspace for a user who has several, in which rows may have one name."""
    names = _WORKSPACE_NAMES.once(request, lambda: dict(rights_of(request).workspaces().values_list("pk", "name")))

    def named(row: Any) -> str:
        own = names.get(getattr(row, "workspace_id", None)) if len(names) > 1 else None
        return f"{row} ({own})" if own else str(row)

    return named
