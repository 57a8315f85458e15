"""The sandbox carrier's HTTP service, with the configured faults."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp import web

from rvm.simulators.sandbox.callbacks import Callbacks
from rvm.simulators.sandbox.drops import FIELDS, AcceptedDrop, DropRefusedError, Drops, KeyConflictError
from rvm.simulators.sandbox.faults import Faults
from rvm.simulators.sandbox.ledger import LedgerFile
from rvm.simulators.sandbox.options import Options
from rvm.simulators.sandbox.outcomes import Answer, Refusal
from rvm.simulators.sandbox.recordings import Recordings

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_BODY_BYTES = 16 * 1024
HANG_SECONDS = 300.0
_NUMBER = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_THROTTLED = Refusal(429, "throttled", "Too many requests; see Retry-After.")
_NOT_PROCESSED = Refusal(503, "not_processed", "Not processed; try again later.")
_GARBAGE = b"<html><body>upstream \xff\xfe</body></html>"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class ProblemError(Exception):
    """An error response to the current request."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers


def _json(status: int, value: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json", headers=headers)


@lru_cache(maxsize=1024)
def _is_loopback(scheme_and_host: tuple[str, str | None]) -> bool:
    scheme, host = scheme_and_host
    if scheme not in ("http", "https") or not host:
        return False
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Service:
    """One sandbox carrier; `start` and `stop` run in the same event loop."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.port = 0
        self._authorization = b"Bearer " + options.key.encode()
        self._stopping = asyncio.Event()
        self._routes: dict[tuple[str, str], Handler] = {
            ("POST", "/v1/drops"): self._post_drop,
            ("GET", "/v1/drops"): self._get_drop,
            ("GET", "/v1/ledger"): self._get_ledger,
            ("GET", "/v1/faults"): self._get_faults,
            ("POST", "/v1/faults"): self._post_faults,
        }

    async def start(self) -> None:
        """Start to serve. Raises OSError if the port or the ledger is in use; then nothing remains open."""
        async with AsyncExitStack() as opened:
            sock = opened.enter_context(_bound(self.options.port))
            await self._open(opened)
            runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=1.0)
            opened.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.SockSite(runner, sock, backlog=1024).start()
            opened.push_async_callback(_cancel, asyncio.create_task(self._drops.scheduler.run()))
            self.port = sock.getsockname()[1]
            self._opened = opened.pop_all()

    async def _open(self, opened: AsyncExitStack) -> None:
        options = self.options
        ledger = LedgerFile(options.ledger)
        opened.callback(ledger.close)
        self._drops = Drops(ledger, options.outcomes, options.seed, options.report_after_ms / 1000)
        self._drops.faults = options.faults
        opened.callback(self._drops.write)
        session = await opened.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)))
        callbacks = Callbacks(session, options.signing_secret, options.report_retry_cap, self._drops)
        opened.push_async_callback(callbacks.close)
        recordings = Recordings(session, options.audio_tries, self._drops.verdict_reached)
        opened.push_async_callback(recordings.close)
        self._drops.sender = callbacks
        self._drops.recordings = recordings if options.fetch_audio else None
        if options.ledger is not None:
            self._drops.restore(options.ledger)

    async def stop(self) -> None:
        self._stopping.set()
        await self._opened.aclose()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.path == "/livez" and request.method == "GET":
                return _json(200, {"status": "ok"})
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization):
                raise ProblemError(401, "unauthorized", "The Authorization header does not carry this account's key.")
            handler = self._routes.get((request.method, request.path))
            if handler is None:
                raise ProblemError(404, "no_such_route", "There is no such route; see the package's docstring.")
            return await handler(request)
        except ProblemError as problem:
            return _json(problem.status, {"code": problem.code, "message": problem.message}, problem.headers)

    # drops

    async def _post_drop(self, request: web.BaseRequest) -> web.StreamResponse:
        key = request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            raise ProblemError(400, "invalid_key", "Idempotency-Key is needed: 1 to 255 printable ASCII characters.")
        body = self._checked(await self._read_json(request))
        self._fail_before(key, body["to"])
        try:
            taken = self._drops.take(key, body)
        except KeyConflictError:
            raise ProblemError(
                422, "idempotency_conflict", "This Idempotency-Key was used with another body."
            ) from None
        except DropRefusedError as refused:
            raise self._refusal(refused.refusal) from None
        except OSError:
            log.exception("the ledger cannot be written")
            raise self._refusal(_NOT_PROCESSED) from None
        return await self._answer(request, taken)

    def _fail_before(self, key: str, to: str) -> None:
        fault = self._drops.faults.before(self._drops.random)
        if fault is not None:
            refusal = _NOT_PROCESSED if fault == "refuse" else _THROTTLED
            self._drops.note_refusal(key, to, refusal.code)
            raise self._refusal(refusal)

    def _refusal(self, refusal: Refusal) -> ProblemError:
        headers = None
        if refusal.status == 429:
            headers = {"Retry-After": f"{self._drops.faults.retry_after_s:.0f}"}
        return ProblemError(refusal.status, refusal.code, refusal.message, headers)

    async def _answer(self, request: web.BaseRequest, taken: AcceptedDrop) -> web.StreamResponse:
        if self.options.latency_ms:
            await asyncio.sleep(self.options.latency_ms / 1000 * (0.5 + self._drops.random.random()))
        fault = self._drops.faults.after(self._drops.random)
        if fault is None and not taken.replayed and taken.plan.answer is not Answer.PLAIN:
            fault = taken.plan.answer.value
        if fault == "hang":
            await self._hang()
        if fault in ("hang", "cut"):
            if request.transport is not None:
                request.transport.abort()
        elif fault == "error":
            raise ProblemError(500, "internal", "Something went wrong.")
        elif fault == "garbage":
            return web.Response(body=_GARBAGE, content_type="text/html")
        elif fault == "slow":
            await asyncio.sleep(self._drops.faults.slow_ms / 1000)
        headers = {"Idempotent-Replayed": "true"} if taken.replayed else None
        return _json(202, {"id": taken.drop.id, "status": "accepted"}, headers)

    async def _hang(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), HANG_SECONDS)
        except TimeoutError:
            return

    async def _read_json(self, request: web.BaseRequest) -> dict[str, object]:
        if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
            raise ProblemError(413, "too_large", f"A body is at most {MAX_BODY_BYTES} bytes.")
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise ProblemError(413, "too_large", f"A body is at most {MAX_BODY_BYTES} bytes.") from None
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise ProblemError(400, "malformed", "The body is not JSON.") from None
        if not isinstance(value, dict):
            raise ProblemError(400, "malformed", "The body is not a JSON object.")
        return value

    def _checked(self, value: dict[str, object]) -> dict[str, str]:
        body = {name: text for name in FIELDS if isinstance(text := value.get(name), str) and text}
        missing = [name for name in FIELDS if name not in body]
        if missing:
            raise ProblemError(422, "invalid", f"Needed as text: {', '.join(missing)}.")
        for name in ("to", "from"):
            if not _NUMBER.fullmatch(body[name]):
                raise ProblemError(422, "invalid", f"{name} is not an E.164 number.")
        for name in ("audio_url", "callback_url"):
            if not self._may_call(body[name]):
                raise ProblemError(
                    422, "invalid", f"{name} is not an http URL of this machine; see --allow-remote-urls."
                )
        return body

    def _may_call(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            if self.options.allow_remote_urls:
                return parts.scheme in ("http", "https") and bool(parts.hostname)
            return _is_loopback((parts.scheme, parts.hostname))
        except ValueError:
            return False

    async def _get_drop(self, request: web.BaseRequest) -> web.StreamResponse:
        drop = self._drops.find(request.query.get("reference", ""))
        if drop is None:
            raise ProblemError(404, "never_seen", "No drop with this reference was ever accepted.")
        return _json(200, drop.event())

    # the account's ledger and faults

    async def _get_ledger(self, request: web.BaseRequest) -> web.StreamResponse:
        return _json(200, self._drops.summary())

    async def _get_faults(self, request: web.BaseRequest) -> web.StreamResponse:
        return _json(200, self._drops.faults.as_dict())

    async def _post_faults(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            self._drops.faults = Faults.of(await self._read_json(request))
        except ValueError as error:
            raise ProblemError(422, "invalid", f"{error}.") from None
        return await self._get_faults(request)


def _bound(port: int) -> socket.socket:
    """A socket on the port that does not listen yet, so that no request arrives before the ledger is loaded. Raises OSError."""
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((HOST, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise OSError(f"port {port} of {HOST} cannot be had ({error})") from error
    return sock


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _serve(options: Options) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = Service(options)
    await service.start()
    sys.stdout.write(f"sandbox: listening on http://{HOST}:{service.port}\n")
    sys.stdout.flush()
    await stop.wait()
    await service.stop()


def run(options: Options) -> None:
    """Serve until SIGINT or SIGTERM. Raises SystemExit with a sentence if it cannot start."""
    try:
        asyncio.run(_serve(options))
    except BlockingIOError:
        raise SystemExit(f"Another process writes the ledger {options.ledger}; stop it or name another file.") from None
    except OSError as error:
        raise SystemExit(f"The sandbox carrier cannot start: {error}.") from None
