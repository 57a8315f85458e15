"""The admin of the platform, and the base of all layers' admins: rights, scoping, refusals as form errors."""

from rvm.platform.admin import api_keys, people, webhooks, workspaces
from rvm.platform.admin.records import events, failed_work, sending, tables

__all__ = ["api_keys", "events", "failed_work", "people", "sending", "tables", "webhooks", "workspaces"]
