"""The admin of people: who comes in, their accounts, memberships and invitations."""

from rvm.platform.admin.people import invitations, sign_in, team

__all__ = ["invitations", "sign_in", "team"]
