"""A simulated vendor: its account, its operations, and how a request goes through it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import orjson
from aiohttp import web

from rvm.simulators.framework.clock import Clock
from rvm.simulators.framework.ledger import Ledger
from rvm.simulators.framework.outbound import Outbound
from rvm.simulators.framework.schemas import FIXTURES, Schemas, fields, template
from rvm.simulators.sandbox.outcomes import DEFAULT_MIX, Answer, Mix, Plan, Refusal, Reports, delay_for, plan_for

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024 * 1024
GARBAGE = b"<html><body>upstream \xff\xfe</body></html>"


@dataclass(frozen=True, slots=True)
class Options:
    """`key` is the one secret from which the account's credentials are made; `webhook_url` is what the customer has registered at
    the vendor, if it registers anything; `report_after` is the vendor's mean time from a drop to its end, in its own seconds."""

    key: str = field(default="simulator", repr=False)
    port: int = 0
    speed: float = 1
    report_after: float = 1
    outcomes: Mix = DEFAULT_MIX
    seed: int = 1
    webhook_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a handler gets it. `body` is the JSON value or an object of the form's fields, None for other bytes."""

    operation: str
    headers: Mapping[str, str] = field(repr=False)  # lower-case names
    query: Mapping[str, Any] = field(repr=False)
    path: Mapping[str, str]  # the parts of the operation's path
    raw: bytes = field(repr=False)
    body: Any = field(repr=False)
    url: str = field(repr=False)
    http: web.BaseRequest = field(repr=False)


Handler = Callable[[Request], Awaitable[web.Response]]


class Vendor(ABC):
    """One account at the vendor. `Simulator` of a vendor's module is a subclass."""

    name: ClassVar[str]
    # Whether the platform can ask for a drop that got no answer. Where it cannot, such a drop is reported.
    looks_up: ClassVar[bool] = False
    # Where the folder with the vendor's requests.json is.
    fixtures: ClassVar[Path] = FIXTURES

    def __init__(self, options: Options) -> None:
        self.options = options
        self.port = options.port
        self.webhook_url = options.webhook_url
        self.clock = Clock(options.speed)
        self.ledger = Ledger()
        # Tests: the statuses of the next answers to an operation, given in place of it, or once the request has been honoured.
        self.answers: dict[str, list[int]] = defaultdict(list)
        self.answers_after: dict[str, list[int]] = defaultdict(list)
        self.loses_reports = False
        self._refusals: Counter[str] = Counter()  # by number, since it was last accepted
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    # what a vendor's module defines

    @property
    @abstractmethod
    def operations(self) -> Mapping[str, Handler]:
        """The handlers by operation, "METHOD /path/{part}" as in the schemas."""

    @property
    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """The credentials of a setup at this simulator, `base_url` included."""

    @abstractmethod
    def unauthorized(self, request: Request) -> web.Response | None:
        """The vendor's answer to a request without the account's credentials; None for one that has them."""

    @abstractmethod
    def malformed(self, request: Request, violations: list[str]) -> web.Response:
        """The vendor's documented answer to a request that does not fit its schema."""

    @abstractmethod
    def problem(self, status: int) -> web.Response:
        """The vendor's documented error of this status."""

    # what it uses

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def secret(self, name: str, length: int = 32) -> str:
        """A credential of this account: hexadecimal digits, at most 128."""
        key = hashlib.blake2b(self.options.key.encode()).digest()
        return hashlib.blake2b(name.encode(), key=key).hexdigest()[:length]

    def plan(self, to: str) -> Plan:
        """How a drop to this number ends."""
        plan = plan_for(to, self.options.outcomes, self.options.seed)
        if plan.answer is not Answer.PLAIN and not self.looks_up:
            plan = replace(plan, reports=Reports.ONCE)
        return plan

    def delay(self, to: str, plan: Plan) -> float:
        """The vendor's seconds from the acceptance of a drop to its end."""
        return delay_for(to, plan, self.options.report_after, self.options.seed)

    def refusal(self, to: str, plan: Plan) -> Refusal | None:
        """The refusal that this request gets; none of its drop exists then. `status` and `code` are the sandbox's: a vendor answers
        with its own that says the same."""
        if plan.refusal is None:
            return None
        if plan.refusal.times is not None and self._refusals[to] >= plan.refusal.times:
            del self._refusals[to]
            return None
        self._refusals[to] += 1
        self.ledger.refused[plan.refusal.code] += 1
        return plan.refusal

    def times_reported(self, plan: Plan) -> int:
        """How many times the result is sent."""
        if self.loses_reports:
            return 0
        return {Reports.NEVER: 0, Reports.ONCE: 1, Reports.SHUFFLED: 2}[plan.reports]

    async def answer(self, request: Request, plan: Plan, response: web.Response) -> web.Response:
        """The answer to a drop that was honoured: `response`, or what the number's plan says in its place."""
        if plan.answer is Answer.HANG:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 300)
            if request.http.transport is not None:
                request.http.transport.abort()
        if plan.answer is Answer.GARBAGE:
            return web.Response(body=GARBAGE, content_type="text/html")
        return response

    def spawn(self, later: Coroutine[Any, Any, None]) -> None:
        """Run something later on; what it raises is a violation."""
        task = asyncio.get_running_loop().create_task(later)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: what was to come later failed", self.name, exc_info=error)
            self.ledger.violations.append(f"simulator: {type(error).__name__}")

    @property
    def pending(self) -> int:
        """How much is still to come; 0 once every drop has ended and every result was sent."""
        return len(self._tasks)

    # the way of a request

    async def open(self) -> None:
        """Raises ValueError where operations and schemas do not name the same."""
        if missing := set(self.operations) ^ self._schemas.operations:
            raise ValueError(f"Operations of {self.name} and its requests.json differ in {', '.join(sorted(missing))}.")
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(15))
        self.outbound = Outbound(self._session, self.clock, self.ledger)

    async def close(self) -> None:
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        if (http.method, http.path) == ("GET", "/livez"):
            return web.json_response({"status": "ok"})
        if (http.method, http.path) == ("GET", "/ledger"):
            return self._ledger(http)
        for operation, handler in self.operations.items():
            method, _, path = operation.partition(" ")
            found = self._templates[path].fullmatch(http.path) if method == http.method else None
            if found:
                return await self._handle(await _read(operation, found.groupdict(), http), handler)
        self.ledger.violations.append(f"{http.method}: unknown path")
        return self.problem(404)

    async def _handle(self, request: Request, handler: Handler) -> web.Response:
        self.ledger.requests[request.operation] += 1
        if self.answers[request.operation]:
            return self.problem(self.answers[request.operation].pop(0))
        if (refused := self.unauthorized(request)) is not None:
            return refused
        parts = {"headers": request.headers, "query": request.query, "body": request.body}
        if violations := self._schemas.violations(request.operation, parts):
            self.ledger.violations += [f"{request.operation} {violation}" for violation in violations]
            return self.malformed(request, violations)
        response = await handler(request)
        if self.answers_after[request.operation]:
            return self.problem(self.answers_after[request.operation].pop(0))
        return response

    def _ledger(self, http: web.BaseRequest) -> web.Response:
        if http.headers.get("Authorization") != f"Bearer {self.options.key}":
            return web.json_response({"code": "unauthorized"}, status=401)
        return web.json_response(self.ledger.summary() | {"pending": self.pending})

    @cached_property
    def _schemas(self) -> Schemas:
        return Schemas(self.name, self.fixtures)

    @cached_property
    def _templates(self) -> dict[str, Any]:
        paths = {operation.partition(" ")[2] for operation in self.operations}
        return {path: template(path) for path in paths}


async def _read(operation: str, path: Mapping[str, str], http: web.BaseRequest) -> Request:
    body: Any = None
    if http.content_type.startswith("multipart/"):
        body = fields([(name, await _part(value)) for name, value in (await http.post()).items()])
    raw = b"" if body is not None else await http.read()
    if http.content_type == "application/json":
        with suppress(orjson.JSONDecodeError):
            body = orjson.loads(raw)
    elif http.content_type == "application/x-www-form-urlencoded":
        body = fields((await http.post()).items())
    return Request(
        operation=operation,
        headers={name.lower(): value for name, value in http.headers.items()},
        query=fields(http.query.items()),
        path=path,
        raw=raw,
        body=body,
        url=f"http://{http.host}{http.raw_path}",
        http=http,
    )


async def _part(value: Any) -> Any:
    if not isinstance(value, web.FileField):
        return value
    data = value.file.read()
    return {"filename": value.filename, "content_type": value.content_type, "size": len(data), "data": data}
