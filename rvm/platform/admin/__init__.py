"""The admin of the platform, and what the admins of all layers stand on: rights, scoping, refusals as form errors."""

from rvm.platform.admin import api_keys, records, team, workspaces

__all__ = ["api_keys", "records", "team", "workspaces"]
