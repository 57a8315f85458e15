"""The admin of the platform, and the base of all layers' admins: rights, scoping, refusals as form errors."""

from rvm.platform.admin import api_keys, people, records, workspaces

__all__ = ["api_keys", "people", "records", "workspaces"]
