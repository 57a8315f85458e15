"""Timeouts of the workers' jobs. Each job has deadlines of its own; RQ ends a job that exceeds them.

Pure, because the settings import it: RQ's timeouts are computed from the environment and the limits below.
"""

from __future__ import annotations

# How long responses of carriers are kept while PostgreSQL is unavailable. After that, reports and look-ups resolve the drops.
RECORD_PATIENCE = 60.0
# The maximum time of one request of an upload of up to 8 MB, and of a whole upload.
STEP_SECONDS = 60.0
UPLOAD_SECONDS = 4 * STEP_SECONDS
# For delays outside the limits: lock waits, a slow disk, a busy machine.
MARGIN_SECONDS = 60.0
# A list of two million rows takes minutes; an interrupted import continues where it stopped.
IMPORT_SECONDS = 3600.0


def job_timeouts(*, work: float, exchange: float) -> dict[str, int]:
    """The seconds after which RQ ends a job, by queue.

    `work`: the time in which a job starts new work (RVM_DISPATCH_SECONDS). `exchange`: the maximum exchange with a carrier
    (RVM_CARRIER_TIMEOUT_SECONDS).
    """
    longest = {
        # After the work time, requests in flight complete and their responses are written.
        "dispatch": work + exchange + RECORD_PATIENCE,
        # Merging is followed by a look-up and a resubmission, then by an upload.
        "reports": work + 2 * exchange + UPLOAD_SECONDS,
        # After the work time, commands in flight are answered.
        "calls": work + exchange,
        "imports": IMPORT_SECONDS,
    }
    return {queue: round(seconds + MARGIN_SECONDS) for queue, seconds in longest.items()}
