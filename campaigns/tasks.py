"""The job of the queue "imports". It has no arguments: it works on all lists under way."""

from __future__ import annotations

from django.db import connection

from campaigns.imports import runner as recipients
from campaigns.opt_outs import runner as opt_outs


def work_imports() -> None:
    connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted since
    # Opt-outs first, so that a recipient list checked next is screened against them.
    opt_outs.work()
    recipients.work()
