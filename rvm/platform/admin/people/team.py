"""The admin of accounts and memberships. People come by invitation; a superuser may also make an account, whose person chooses the
password by a link."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.widgets import UnfoldAdminTextInputWidget

from rvm.platform import audit
from rvm.platform.accounts import limits
from rvm.platform.accounts.password_links import make_password_link
from rvm.platform.accounts.second_factor.reset import reset_second_factor
from rvm.platform.admin.history.model_admin import MAX_PARTS
from rvm.platform.admin.people.invitations import show_link
from rvm.platform.admin.pickers import ZoneField
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import Rights, acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.database.clock import database_now
from rvm.platform.models import ApiKey, Membership, User
from rvm.platform.roles import Right

# Rights come from roles of memberships. Importing Django's user admin registers groups, which are not used.
if admin.site.is_registered(Group):
    admin.site.unregister(Group)


class NewAccountForm(forms.ModelForm):
    """An account without a password: its person chooses one."""

    class Meta:
        model = User
        fields = ("username", "email", "first_name", "last_name", "is_staff")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_staff"].initial = True

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.set_unusable_password()
        return user


@admin.register(User)
class UserAdmin(ScopedModelAdmin, DjangoUserAdmin):
    """The admin of accounts: users see the members of their workspaces, superusers change accounts. Service users are read-only."""

    workspace_path: ClassVar[str | None] = "pk"
    fixed_fields: ClassVar[tuple[str, ...]] = ("username",)
    form = UserChangeForm
    add_form = NewAccountForm
    change_password_form = AdminPasswordChangeForm
    change_form_outer_before_template = "platform/admin/account_buttons.html"
    list_display = (
        "called",
        "first_name",
        "last_name",
        "email",
        "is_staff",
        "is_superuser",
        "is_active",
        "last_login",
    )
    list_filter = ("is_staff", "is_superuser", "is_active", "is_service")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("is_service", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "time_zone")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "is_service")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "first_name", "last_name", "is_staff")}),)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "time_zone":
            return ZoneField("As the person's workspaces", help_text=db_field.help_text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        keys = ApiKey.objects.filter(user=OuterRef("pk")).order_by("-id").values("name")[:1]
        return super().get_queryset(request).annotate(key_name=Subquery(keys))

    @display(description="Username", ordering="username")
    def called(self, user: Any) -> str:
        """The username; of a service user, what its API key is called. A new account comes from the form and has no key."""
        key_name = getattr(user, "key_name", None)
        return f"API key “{key_name}”" if key_name else str(user)

    def row_title(self, row: Any) -> str:
        return self.called(row)

    def within(self, queryset: QuerySet[Any], rights: Rights) -> QuerySet[Any]:
        if rights.everywhere:
            return queryset
        return queryset.filter(pk__in=Membership.objects.filter(workspace__in=rights.ids()).values("user"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        rights = rights_of(request)
        if obj is None or rights.everywhere:
            return rights.may_somewhere(Right.VIEW)
        return Membership.objects.filter(user=obj, workspace__in=rights.ids()).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).everywhere

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rights_of(request).everywhere and not (obj is not None and obj.is_service)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return ((None, {"fields": ("username",)}), *fieldsets[1:])  # without the password's digest

    def workspace_id(self, row: Any) -> None:
        return None

    def history_subjects(self, row: User) -> list[UUID]:
        """The account and its memberships."""
        return [row.pk, *row.memberships.values_list("pk", flat=True)[:MAX_PARTS]]

    def may_read_audit(self, request: HttpRequest, row: User) -> bool:
        """Whether the reader may read the audit of a workspace of the person: of sign-ins there is one for all workspaces."""
        rights = rights_of(request)
        return rights.everywhere or row.memberships.filter(workspace__in=rights.ids(Right.READ_AUDIT)).exists()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        resets = asks(self, self.reset_second_factor, self.about_reset)
        buttons = {
            "let-in": self.let_in,
            "password-link": self.password_link,
        }
        return [
            path("<uuid:object_id>/reset-second-factor/", resets, name="platform_user_reset_second_factor"),
            *(
                path(
                    f"<uuid:object_id>/{name}/",
                    wrap(require_POST(view)),
                    name=f"platform_user_{name.replace('-', '_')}",
                )
                for name, view in buttons.items()
            ),
            *super().get_urls(),
        ]

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_password_link(request, obj)

    def may_let_in(self, request: HttpRequest, user: User) -> bool:
        """Also who manages only some of the person's workspaces: it opens nothing without the password."""
        rights = rights_of(request)
        theirs = Membership.objects.filter(user=user, workspace__in=rights.ids(Right.MANAGE_PEOPLE))
        return not user.is_service and (rights.everywhere or theirs.exists())

    def let_in(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        user: User = self.get_object(request, str(object_id))
        if not self.may_let_in(request, user):
            raise PermissionDenied
        now = database_now()
        limits.clear(user, now)
        limits.clear_codes(user, now)
        audit.record("user.let_in", user, actor=acting_user(request), workspace=None, name=user.get_username())
        messages.success(request, f"{user} can sign in again.")
        return redirect(reverse("admin:platform_user_change", args=[user.pk]))

    def password_link(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        user: User = self.get_object(request, str(object_id))
        if not rights_of(request).may_manage(user):
            raise PermissionDenied
        return self._show_password_link(request, user)

    def _show_password_link(self, request: HttpRequest, user: User) -> HttpResponse:
        link = make_password_link(user, actor=acting_user(request))
        there = reverse("admin:platform_user_change", args=[user.pk])
        purpose = f"This is the link with which {user} chooses a password within a day."
        return show_link(self, request, "A link for a new password", purpose, link, there)

    def may_reset_second_factor(self, request: HttpRequest, user: User) -> bool:
        """The own one is removed on the own page, where the password is asked for."""
        return user.pk != acting_user(request).pk and rights_of(request).may_manage(user)

    def about_reset(self, request: HttpRequest, object_id: UUID) -> Question:
        user = self._resettable(request, object_id)
        title = f"Reset the second factor of {user}?"
        if not is_mfa_enabled(user):
            return Question(title, f"{user} has no second factor.")
        return Question(
            title,
            "Right for a lost phone, once you know that it is this person who asks. All sessions of the person end, and at the next "
            "sign-in a new second factor is enrolled by whoever has the password.",
            "Reset the second factor",
        )

    def _resettable(self, request: HttpRequest, object_id: UUID) -> User:
        user: User = self.get_object(request, str(object_id))
        if not self.may_reset_second_factor(request, user):
            raise PermissionDenied
        return user

    def reset_second_factor(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        user = self._resettable(request, object_id)
        if reset_second_factor(user, actor=acting_user(request)):
            get_adapter(request).send_notification_mail("mfa/email/totp_deactivated", user)
            messages.success(request, f"{user} is signed out, and enrols a new second factor at the next sign-in.")
        else:
            messages.info(request, f"{user} has no second factor.")
        return redirect(reverse("admin:platform_user_change", args=[user.pk]))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        if obj is not None and not obj.is_service:
            context["account_buttons"] = {
                "let_in": self.may_let_in(request, obj) and limits.blocked_until(obj, database_now()),
                "password_link": rights_of(request).may_manage(obj),
                "second_factor": self.may_reset_second_factor(request, obj) and is_mfa_enabled(obj),
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


class MembershipForm(forms.ModelForm):
    username = forms.CharField(
        label="Username",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Of an account that exists; invite who has none.",
    )

    class Meta:
        model = Membership
        fields = ("workspace", "role", "may_see_numbers")

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        found = User.objects.filter(username=username, is_service=False, is_active=True).first()
        if found is None:
            raise forms.ValidationError("No account has this username; invite the person by e-mail address.")
        self.instance.user = found
        return username

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        workspace, user_id = cleaned.get("workspace"), self.instance.user_id
        new = self.instance._state.adding and workspace and user_id
        if new and Membership.objects.filter(workspace=workspace, user_id=user_id).exists():
            self.add_error("username", "This person is a member of the workspace already; change that membership.")
        return cleaned


@admin.register(Membership)
class MembershipAdmin(ScopedModelAdmin):
    right_to_add = Right.MANAGE_PEOPLE
    right_to_change = Right.MANAGE_PEOPLE
    right_to_delete = Right.MANAGE_PEOPLE
    form = MembershipForm
    list_display = ("user", "workspace", "role", "may_see_numbers")
    list_display_links = ("user",)
    list_filter = (("workspace", ScopedFilter), "role", "may_see_numbers")
    list_select_related = ("user", "workspace")
    search_fields = ("user__username",)
    ordering = ("workspace__name", "user__username")
    fixed_fields: ClassVar[tuple[str, ...]] = ("workspace", "user")

    def identity_of(self, row: Membership) -> dict[str, Any]:
        return {**super().identity_of(row), "user_id": row.user_id, "username": row.user.get_username()}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("workspace", "username" if obj is None else "user", "role", "may_see_numbers")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None:
            form.base_fields.pop("username", None)
        return form
