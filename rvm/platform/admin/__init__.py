"""The admin of the ground floor, and what the admins of all floors stand on: rights, scoping, refusals as form errors."""

from rvm.platform.admin import api_keys, records, team, workspaces

__all__ = ["api_keys", "records", "team", "workspaces"]
