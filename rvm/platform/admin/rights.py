"""The rights of the logged-in admin user in each workspace, read from the memberships once per request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest

from rvm.platform.errors import ServiceError
from rvm.platform.models import Membership, User, Workspace
from rvm.platform.roles import ROLES, Right, Role


@dataclass(frozen=True, slots=True)
class Rights:
    """A user's rights; `everywhere` means superuser. Patients' numbers need a membership that allows them, also for superusers."""

    everywhere: bool
    roles: Mapping[UUID, Role]
    shown_numbers: frozenset[UUID]

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

    def workspaces(self, needed: Right = Right.VIEW) -> QuerySet[Workspace]:
        found = Workspace.objects.order_by("name", "id")
        return found if self.everywhere else found.filter(pk__in=self.ids(needed))


def forbidden(field: str = "") -> ServiceError:
    return ServiceError("forbidden", "Your role in this workspace does not allow it.", field=field)


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
