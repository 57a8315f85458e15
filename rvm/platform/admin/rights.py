"""The rights of the logged-in admin user in each workspace, read from the memberships once per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet
from django.http import HttpRequest

from rvm.platform.errors import ServiceError
from rvm.platform.models import Membership, User, Workspace
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import ROLES, Right, Role
from rvm.platform.times.zones import common_zone


@dataclass(frozen=True, slots=True)
class Rights:
    """A user's rights; `everywhere` means superuser. Patients' numbers need a membership that allows them, also for superusers."""

    everywhere: bool
    roles: Mapping[UUID, Role]
    shown_numbers: frozenset[UUID]
    # The columns of the user's workspaces.
    time_zones: Mapping[UUID, str] = field(default_factory=dict)

    def ids(self, needed: Right = Right.VIEW) -> list[UUID]:
        """The ids of the workspaces in which the user has this right."""
        return [workspace_id for workspace_id, role in self.roles.items() if needed in ROLES[role]]

    def may(self, needed: Right, workspace_id: UUID | None) -> bool:
        if self.everywhere:
            return True
        role = self.roles.get(workspace_id) if workspace_id else None
        return role is not None and needed in ROLES[role]

    def may_in_organisation(self, needed: Right, workspace_id: UUID) -> bool:
        """Whether the user has this right in every workspace of the workspace's organisation."""
        if self.everywhere:
            return True
        own = Workspace.objects.filter(pk=workspace_id).values("organisation_id")
        members = Workspace.objects.filter(organisation_id__in=own).values_list("pk", flat=True)
        return {*members} <= {*self.ids(needed)}

    def may_manage(self, user: User) -> bool:
        """Whether this is the account of a person of whose workspaces the user may manage all people, and of no superuser."""
        if user.is_service or self.everywhere:
            return not user.is_service
        theirs = {*Membership.objects.filter(user=user).values_list("workspace_id", flat=True)}
        return bool(theirs) and not user.is_superuser and theirs <= {*self.ids(Right.MANAGE_PEOPLE)}

    def may_somewhere(self, needed: Right) -> bool:
        return self.everywhere or bool(self.ids(needed))

    def may_see_numbers(self, workspace_id: UUID) -> bool:
        return workspace_id in self.shown_numbers

    def days_zone(self, workspace_id: UUID | None) -> ZoneInfo:
        """The zone of the days of a list: the workspace's, or of a list of several the one that all of the user's have."""
        if workspace_id is None:
            return common_zone(self.time_zones.values())
        if workspace_id not in self.time_zones and self.everywhere:
            return common_zone(Workspace.objects.filter(pk=workspace_id).values_list("time_zone", flat=True))
        return common_zone([self.time_zones.get(workspace_id, "")])

    def workspaces(self, needed: Right = Right.VIEW) -> QuerySet[Workspace]:
        found = Workspace.objects.order_by("name", "id")
        return found if self.everywhere else found.filter(pk__in=self.ids(needed))


def forbidden(field: str = "") -> ServiceError:
    return ServiceError("forbidden", "Your role in this workspace does not allow it.", field=field)


_RIGHTS = RequestValue[Rights]("rights")


def rights_of(request: HttpRequest) -> Rights:
    """The rights of the request's user; an anonymous user has none."""
    return _RIGHTS.once(request, lambda: _read(acting_user(request)))


def _read(user: User) -> Rights:
    of_user = Membership.objects.filter(user_id=user.pk).annotate(time_zone=F("workspace__time_zone"))
    memberships = list(of_user) if user.is_active and user.pk else []
    return Rights(
        everywhere=bool(user.is_active and user.is_superuser),
        roles={membership.workspace_id: Role(membership.role) for membership in memberships},
        shown_numbers=frozenset(membership.workspace_id for membership in memberships if membership.may_see_numbers),
        time_zones={membership.workspace_id: membership.time_zone for membership in memberships},
    )


def acting_user(request: HttpRequest) -> User:
    """The logged-in user, or for an anonymous request an inactive user without rights."""
    user = request.user
    return user if isinstance(user, User) else User(is_active=False)
