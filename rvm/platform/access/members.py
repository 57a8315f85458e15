"""API view of a workspace's members, as an administrator sees them; they are invited, changed and removed in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers

from rvm.platform.api.lists import ListView, PageQuery, page_of
from rvm.platform.api.rows.serializers import OptionalTextField, RowSerializer
from rvm.platform.models import Membership
from rvm.platform.roles import Role
from rvm.platform.scopes import Scope


class MemberQuery(PageQuery):
    role = serializers.ChoiceField(Role.choices, required=False)


class MemberSerializer(RowSerializer[Membership]):
    """A person's membership of the workspace."""

    id = serializers.UUIDField(help_text="Of the membership.")
    user_id = serializers.UUIDField(help_text="Of the account; `actor_id` in the audit.")
    username = serializers.CharField(source="user.username")
    name = OptionalTextField(
        source="user.get_full_name", help_text="First and last name; null if the account has none."
    )
    email = OptionalTextField(source="user.email", help_text="Null if the account has none.")
    role = serializers.ChoiceField(Role.choices)
    may_see_numbers = serializers.BooleanField(help_text="Whether phone numbers are shown to the person unmasked.")
    active = serializers.BooleanField(source="user.is_active", help_text="False: the account is switched off.")
    second_factor = serializers.BooleanField(help_text="Whether one is enrolled here.")
    member_since = serializers.DateTimeField(source="created_at")


@extend_schema_view(
    get=extend_schema(
        operation_id="list_members",
        summary="List members",
        description="The people who work in the workspace, the newest membership first. Who was removed is not among them; whose "
        "account is switched off is, with `active` false.",
        tags=["Members"],
        parameters=[MemberQuery],
        responses={200: page_of(MemberSerializer)},
    )
)
class MembersView(ListView):
    required_scopes: ClassVar = {"GET": Scope.MEMBERS_READ}
    serializer_class = MemberSerializer
    query_class = MemberQuery

    def rows(self, query: MemberQuery, live: bool | None) -> QuerySet[Any]:
        factors = Authenticator.objects.filter(user=OuterRef("user_id"), type=Authenticator.Type.TOTP)
        members = Membership.objects.filter(workspace=self.workspace, **query.filters)
        return members.select_related("user").annotate(second_factor=Exists(factors))
