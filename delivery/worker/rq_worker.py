"""Our RQ worker: keeps its connections, wakes up often, tells long jobs when it is asked to stop, and outlives Redis."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from django_rq.workers import get_worker
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.utils import utcformat

from delivery.runtime import shutdown
from rvm.platform.redis_connection import redis_now

log = structlog.get_logger(__name__)

# RQ's defaults let an idle worker sleep for 405 s and look for abandoned jobs every 600 s. An idle worker of ours gives a sign of
# life every 5 s: RQ waits for 15 s less than this.
WORKER_TTL = 20
MAINTENANCE_SECONDS = 60
# Until a worker that has lost Redis begins again.
PAUSE_SECONDS = 1.0


def work(queues: Sequence[str]) -> None:
    """Run the jobs of the queues until asked to stop. RQ ends a worker whose connection broke outside of its wait for jobs;
    here another one begins in its place."""
    pause = 0.0
    while True:
        try:
            if shutdown.requested.wait(pause):
                return
            pause = PAUSE_SECONDS
            get_worker(
                *queues, worker_class="delivery.worker.rq_worker.Worker", serializer="rq.serializers.JSONSerializer"
            ).work(logging_level="WARNING")
        except RedisError as error:
            log.warning("worker_lost_redis", error=type(error).__name__)
        except StopRequested:  # raised by RQ's signal handler, wherever we were
            return


class Worker(SimpleWorker):
    max_connection_wait_time = 5.0  # RQ's default would look for a Redis that is back once a minute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "worker_ttl": WORKER_TTL, "maintenance_interval": MAINTENANCE_SECONDS})

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """A flushed Redis hears of this worker anew; RQ itself tells it of a worker's birth only once.

        The time that is kept is Redis's. RQ would keep this machine's, and who asks for signs of life has another."""
        if not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()
        super().heartbeat(timeout, pipeline)
        told = self.connection if pipeline is None else pipeline
        told.hset(self.key, "last_heartbeat", utcformat(redis_now(self.connection)))

    def request_stop(self, signum: int, frame: Any) -> None:
        shutdown.requested.set()
        try:
            super().request_stop(signum, frame)
        except RedisError as error:  # the job under way ends in its own time all the same
            log.warning("stop_not_noted", error=type(error).__name__)

    def teardown(self) -> None:
        """Without Redis there is nothing to sign off from, but the thread that listens for commands must end."""
        try:
            super().teardown()
        except RedisError:
            listener: Any = self.pubsub_thread
            if listener is not None:
                listener.stop()


def worker_name() -> str:
    """Names this process's share of what is in flight."""
    return f"{socket.gethostname()}:{os.getpid()}"
