"""The admin of the platform, and the base of all layers' admins: rights, scoping, refusals as form errors."""

from rvm.platform.admin import api_keys, people, workspaces
from rvm.platform.admin.records import events, tables

__all__ = ["api_keys", "events", "people", "tables", "workspaces"]
