"""The rights of the logged-in admin user in each workspace, read from the memberships once per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from rvm.platform.errors import ServiceError
from rvm.platform.models import Membership, Role, User, Workspace

# In ascending order of rights.
LADDER = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Rights:
    """A user's rights; `everywhere` means superuser. Patients' numbers need a membership that allows them, also for superusers."""

    everywhere: bool
    roles: Mapping[UUID, Role]
    shown_numbers: frozenset[UUID]

    def ids(self, needed: Role = Role.VIEWER) -> list[UUID]:
        """The ids of the workspaces in which the user has at least this role."""
        return [workspace_id for workspace_id, role in self.roles.items() if _reaches(role, needed)]

    def may(self, needed: Role, workspace_id: UUID | None) -> bool:
        if self.everywhere:
            return True
        role = self.roles.get(workspace_id) if workspace_id else None
        return role is not None and _reaches(role, needed)

    def may_in_organisation(self, needed: Role, workspace_id: UUID) -> bool:
        """Whether the user has at least this role in every workspace of the workspace's organisation."""
        if self.everywhere:
            return True
        own = Workspace.objects.filter(pk=workspace_id).values("organisation_id")
        members = Workspace.objects.filter(organisation_id__in=own).values_list("pk", flat=True)
        return {*members} <= {*self.ids(needed)}

    def may_somewhere(self, needed: Role) -> bool:
        return self.everywhere or bool(self.ids(needed))

    def may_see_numbers(self, workspace_id: UUID) -> bool:
        return workspace_id in self.shown_numbers

    def workspaces(self, needed: Role = Role.VIEWER) -> QuerySet[Workspace]:
        found = Workspace.objects.order_by("name", "id")
        return found if self.everywhere else found.filter(pk__in=self.ids(needed))


def forbidden(field: str = "") -> ServiceError:
    return ServiceError("forbidden", "Your role in this workspace does not allow it.", field=field)


def _reaches(role: Role, needed: Role) -> bool:
    return LADDER.index(role) >= LADDER.index(needed)


def rights_of(request: HttpRequest) -> Rights:
    """The rights of the request's user; an anonymous user has none."""
    known: Rights | None = getattr(request, "rvm_rights", None)
    if known is None:
        known = _read(acting_user(request))
        request.rvm_rights = known  # type: ignore[attr-defined]
    return known


def _read(user: User) -> Rights:
    memberships = list(Membership.objects.filter(user_id=user.pk)) if user.is_active and user.pk else []
    return Rights(
        everywhere=bool(user.is_active and user.is_superuser),
        roles={membership.workspace_id: Role(membership.role) for membership in memberships},
        shown_numbers=frozenset(membership.workspace_id for membership in memberships if membership.may_see_numbers),
    )


def acting_user(request: HttpRequest) -> User:
    """The logged-in user, or for an anonymous request an inactive user without rights."""
    user = request.user
    return user if isinstance(user, User) else User(is_active=False)
