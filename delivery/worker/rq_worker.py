"""RQ worker that runs the one job of each queue, keeps its connections, wakes up often and survives an outage of Redis.

It passes a stop request to long jobs. It follows nothing that Redis holds: no function, callback, command or suspension.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any

import structlog
from django.conf import settings
from django_rq import get_connection
from django_rq.workers import get_worker
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.timeouts import JobTimeoutException
from rq.utils import now, utcformat
from rq.worker.base import WorkerStatus

from delivery.runtime import shutdown
from delivery.runtime.queues import ON_OUTAGE, discard_other_types
from delivery.runtime.wakeups import JOBS
from rvm.platform.health import failed_work
from rvm.platform.redis_connection import redis_now

log = structlog.get_logger(__name__)

# RQ's defaults let an idle worker sleep for 405 s and look for abandoned jobs every 600 s. With this value an idle worker sends a
# heartbeat every 5 s: RQ waits for 15 s less.
WORKER_TTL = 20
MAINTENANCE_SECONDS = 60
# The queue whose work does not wait for Redis to come back.
_URGENT = "calls"
# Wait before a worker that has lost Redis starts again.
PAUSE_SECONDS = 1.0


def work(queues: Sequence[str]) -> None:
    """Run the jobs of the queues until asked to stop. RQ ends a worker whose connection breaks while it is not waiting for jobs; a
    new worker replaces it."""
    pause = 0.0
    ON_OUTAGE[:] = [_work_without_redis]
    while True:
        try:
            if shutdown.requested.wait(pause):
                return
            pause = PAUSE_SECONDS
            discard_other_types(get_connection(queues[0]), queues)
            get_worker(
                *queues, worker_class="delivery.worker.rq_worker.Worker", serializer="rq.serializers.JSONSerializer"
            ).work(logging_level="WARNING")
        except RedisError as error:
            log.warning("worker_lost_redis", error=type(error).__name__)
            _work_without_redis(queues)
        except StopRequested:  # raised by RQ's signal handler at any point
            return


def _work_without_redis(queues: Collection[str]) -> None:
    """Run what calls under way cannot wait for, and what needs no Redis."""
    if _URGENT in queues:
        try:
            _function(_URGENT)()
        except Exception:
            log.exception("job_failed", queue=_URGENT)


class Worker(SimpleWorker):
    max_connection_wait_time = 5.0  # with RQ's default a worker retries a lost Redis only once a minute

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "worker_ttl": WORKER_TTL, "maintenance_interval": MAINTENANCE_SECONDS})
        if _URGENT in self.queue_names():
            self.max_connection_wait_time = 1.0
        # Queues whose last job here failed; those of a process that has ended are forgotten after a while.
        self._failing: set[str] = set()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the function of the queue, whatever the record of the job said. A failed one is logged; the next wake-up repeats it."""
        timeout = settings.RQ_QUEUES[queue.name]["DEFAULT_TIMEOUT"]
        self.heartbeat(timeout + 60)
        self.set_state(WorkerStatus.BUSY)
        try:
            with self.death_penalty_class(timeout, JobTimeoutException, job_id=job.id):
                _function(queue.name)()
        except Exception as error:
            log.exception("job_failed", queue=queue.name, job_id=job.id)
            self._failing.add(queue.name)
            reason = failed_work.reason_of(error)
            failed_work.record("job", queue.name, name=f"Queue {queue.name}", reason=reason, reference=job.id)
        else:
            if queue.name in self._failing:
                self._failing.discard(queue.name)
                failed_work.succeeded("job", queue.name)
        self.set_state(WorkerStatus.IDLE)

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

    def subscribe(self) -> None:
        """Nothing: RQ lets every client of Redis shut a worker down or stop its job. A signal stops it."""

    def check_for_suspension(self, burst: bool) -> None:
        """Nothing: a key in Redis does not stop a worker."""

    def run_maintenance_tasks(self) -> None:
        """Forget workers whose record has expired. RQ's own maintenance follows the records of jobs and calls their callbacks."""
        for key in ("rq:workers", *(f"rq:workers:{queue.name}" for queue in self.queues)):
            names: Any = self.connection.srandmember(key, 100)
            gone = [name for name in names if not self.connection.exists(name)]
            if gone:
                self.connection.srem(key, *gone)
        self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ declares None only

    def request_stop(self, signum: int, frame: Any) -> None:
        shutdown.requested.set()
        try:
            super().request_stop(signum, frame)
        except RedisError as error:  # the running job still stops: `shutdown.requested` is set
            log.warning("stop_not_noted", error=type(error).__name__)

    def teardown(self) -> None:
        """Unregister the worker; if Redis is unreachable, its record expires."""
        try:
            super().teardown()
        except RedisError as error:
            log.warning("end_not_noted", error=type(error).__name__)


def _function(queue: str) -> Callable[[], object]:
    module, _, name = JOBS[queue].rpartition(".")
    function: Callable[[], object] = getattr(import_module(module), name)
    return function


def worker_name() -> str:
    """The name under which this process reports its requests in flight to the rate limiter: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
