"""The queue of wake-ups, as workers read it. Redis is not trusted: what it holds is compared with what RVM enqueues, and never run.

RQ would import and call the names in a job's record: its function, its callbacks, its webhooks' addresses. Here a record only proves
that its wake-up is one of ours, and the worker runs the one function of its queue.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import structlog
from django_rq.queues import DjangoRQ
from redis import Redis
from redis.exceptions import ConnectionError, TimeoutError
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from delivery.runtime.wakeups import JOBS

log = structlog.get_logger(__name__)

# The fields that RQ writes for a wake-up. A record in which another one has a value asks for more than a wake-up.
FIELDS = (
    *("status", "created_at", "data", "origin", "description", "enqueued_at", "timeout", "result_ttl", "failure_ttl"),
    "ttl",
)
_MAX_DATA = 200
# One wake-up waits in a queue, or two. More entries without a record than this are nobody's.
_MANY = 10

# Takes a record out of Redis and returns its data; nothing if there is no record, and an empty text if it cannot be one of ours. No
# long value leaves Redis.
_TAKE = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return false end
local found = ''
if kind == 'hash' and redis.call('HLEN', KEYS[1]) <= 64 and redis.call('HSTRLEN', KEYS[1], 'data') <= tonumber(ARGV[1]) then
  found = redis.call('HGET', KEYS[1], 'data') or ''
  local known = {}
  for i = 2, #ARGV do known[ARGV[i]] = true end
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if not known[field] and redis.call('HSTRLEN', KEYS[1], field) > 0 then found = '' end
  end
end
redis.call('DEL', KEYS[1])
return found
"""

# Called with the names of a worker's queues when it cannot reach Redis, before it waits and tries again.
ON_OUTAGE: list[Callable[[Collection[str]], object]] = []
# Called with the name of a queue in which something foreign was found.
ON_FOREIGN: list[Callable[[str], object]] = []


class WakeUpQueue(DjangoRQ):
    @classmethod
    def dequeue_any(
        cls, queues: Iterable[Queue], timeout: int | None, connection: Redis, *args: Any, **kwargs: Any
    ) -> tuple[Job, Queue] | None:
        """The next wake-up, as a job without contents, and its queue. Wake-ups whose record is lost are left out.

        A queue with something foreign in it is emptied, so that nothing waits behind it: the next tick wakes the worker for due work.
        """
        by_key = {queue.key.encode(): queue for queue in queues}
        while (popped := cls._pop(by_key, timeout, connection)) is not None:
            key, job_id = popped
            queue = by_key[key]
            data = connection.eval(_TAKE, 1, b"rq:job:" + job_id, _MAX_DATA, *FIELDS)
            if data is not None and _is_ours(queue.name, data):
                return Job(connection=connection, serializer=JSONSerializer), queue
            waiting = connection.llen(queue.key)
            if data is not None or waiting > _MANY:
                _refuse(queue, 1 + waiting)
        return None

    @classmethod
    def _pop(cls, by_key: Mapping[bytes, Queue], timeout: int | None, connection: Redis) -> tuple[bytes, bytes] | None:
        keys: list[Any] = list(by_key)
        try:
            popped: tuple[bytes, bytes] | None = cls.lpop(keys, timeout, connection)
        except (ConnectionError, TimeoutError):  # Redis's own: the worker waits and calls again
            for tell in ON_OUTAGE:
                tell([queue.name for queue in by_key.values()])
            raise
        return popped


def _is_ours(queue: str, data: bytes) -> bool:
    expected = JSONSerializer.dumps((JOBS[queue], None, (), {}))
    inflate = zlib.decompressobj()
    try:
        return inflate.decompress(data, len(expected) + 1) == expected and inflate.eof
    except zlib.error:
        return data == expected


def _refuse(queue: Queue, count: int) -> None:
    queue.connection.delete(queue.key)
    log.error("foreign_job_refused", queue=queue.name, removed=count)
    for tell in ON_FOREIGN:
        tell(queue.name)


def discard_other_types(redis: Redis, queues: Iterable[str]) -> None:
    """Delete shared keys that something foreign has made of another type, which no command of a worker could read."""
    kinds = {"rq:queues": b"set", "rq:workers": b"set"}
    for queue in queues:
        kinds |= {f"rq:workers:{queue}": b"set", f"rq:queue:{queue}": b"list"}
    for key, kind in kinds.items():
        if redis.type(key) not in (b"none", kind):
            log.error("foreign_key_removed", key=key)
            redis.delete(key)
