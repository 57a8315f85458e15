"""Our RQ worker: one process that keeps its connections, wakes up often, and tells long jobs when it is asked to stop."""

from __future__ import annotations

import os
import socket
from typing import Any

from rq import SimpleWorker

from delivery import shutdown

# RQ's defaults let an idle worker sleep for 405 s and look for abandoned jobs every 600 s. An idle worker of ours gives a sign of
# life every 5 s: RQ waits for 15 s less than this.
WORKER_TTL = 20
MAINTENANCE_SECONDS = 60


class Worker(SimpleWorker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "worker_ttl": WORKER_TTL, "maintenance_interval": MAINTENANCE_SECONDS})

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """A flushed Redis hears of this worker anew; RQ itself tells it of a worker's birth only once."""
        if not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()
        super().heartbeat(timeout, pipeline)

    def request_stop(self, signum: int, frame: Any) -> None:
        shutdown.requested.set()
        super().request_stop(signum, frame)


def worker_name() -> str:
    """Names this process's share of what is in flight."""
    return f"{socket.gethostname()}:{os.getpid()}"
