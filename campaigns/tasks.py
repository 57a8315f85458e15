"""The job of the queue "imports". No arguments: the imports under way are the work."""

from __future__ import annotations

from django.db import connection

from campaigns.imports import runner as recipients
from campaigns.opt_outs import runner as opt_outs


def work_imports() -> None:
    connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted since
    # Who must not be reached first.
    opt_outs.work()
    recipients.work()
