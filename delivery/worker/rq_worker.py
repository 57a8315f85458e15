"""RQ worker that keeps its connections, wakes up often, passes a stop request to long jobs and survives an outage of Redis."""

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

# RQ's defaults let an idle worker sleep for 405 s and look for abandoned jobs every 600 s. With this value an idle worker sends a
# heartbeat every 5 s: RQ waits for 15 s less.
WORKER_TTL = 20
MAINTENANCE_SECONDS = 60
# Wait before a worker that has lost Redis starts again.
PAUSE_SECONDS = 1.0


def work(queues: Sequence[str]) -> None:
    """Run the jobs of the queues until asked to stop. RQ ends a worker whose connection breaks while it is not waiting for jobs; a
    new worker replaces it."""
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
        except StopRequested:  # raised by RQ's signal handler at any point
            return


class Worker(SimpleWorker):
    max_connection_wait_time = 5.0  # with RQ's default a worker retries a lost Redis only once a minute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "worker_ttl": WORKER_TTL, "maintenance_interval": MAINTENANCE_SECONDS})

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Send a heartbeat, and register the worker again after a flush of Redis, which RQ itself does not.

        Stores Redis's time. RQ stores this machine's, which may differ from that of the process that checks heartbeats.
        """
        if not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()
        super().heartbeat(timeout, pipeline)
        client = self.connection if pipeline is None else pipeline
        client.hset(self.key, "last_heartbeat", utcformat(redis_now(self.connection)))

    def request_stop(self, signum: int, frame: Any) -> None:
        shutdown.requested.set()
        try:
            super().request_stop(signum, frame)
        except RedisError as error:  # the running job still stops: `shutdown.requested` is set
            log.warning("stop_not_noted", error=type(error).__name__)

    def teardown(self) -> None:
        """Unregister the worker. If Redis is unreachable, only stop the thread that listens for commands."""
        try:
            super().teardown()
        except RedisError:
            listener: Any = self.pubsub_thread
            if listener is not None:
                listener.stop()


def worker_name() -> str:
    """The name under which this process reports its requests in flight to the rate limiter: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
