"""How long the jobs of the workers' queues may take. Each keeps deadlines of its own; RQ ends one that keeps them no longer.

Pure, because the settings need it: what RQ allows is made from what the environment says and from the bounds below.
"""

from __future__ import annotations

# How long answers of carriers are kept while PostgreSQL does not take them; then reports and look-ups settle them.
RECORD_PATIENCE = 60.0
# The longest that one request of an upload takes, 8 MB included, and a whole upload.
STEP_SECONDS = 60.0
UPLOAD_SECONDS = 4 * STEP_SECONDS
# For what the bounds do not count: statements that wait for one another, a slow disk, a machine that is busy with something else.
MARGIN_SECONDS = 60.0
# A list of two million rows takes minutes; its worker goes on where it was.
IMPORT_SECONDS = 3600.0


def job_timeouts(*, work: float, exchange: float) -> dict[str, int]:
    """Seconds after which RQ ends a job, by its queue.

    `work`: for how long a job begins something new (RVM_DISPATCH_SECONDS). `exchange`: the longest exchange with a carrier
    (RVM_CARRIER_TIMEOUT_SECONDS).
    """
    longest = {
        # What is in flight when the time is over ends, and its answers are written.
        "dispatch": work + exchange + RECORD_PATIENCE,
        # A look-up and a resubmission follow the merging, and an upload these.
        "reports": work + 2 * exchange + UPLOAD_SECONDS,
        "imports": IMPORT_SECONDS,
    }
    return {queue: round(seconds + MARGIN_SECONDS) for queue, seconds in longest.items()}
