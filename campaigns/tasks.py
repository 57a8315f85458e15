"""The job behind the bell "imports". No arguments: the imports under way are the work."""

from __future__ import annotations

from django.db import connection

from campaigns.importing.working import work


def work_imports() -> None:
    connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted since
    work()
