"""HTTP to RVM: every call goes through here, is repeated where that is safe, and raises a typed error where it fails."""

from __future__ import annotations

import logging
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from rvm_client.errors import ConnectionFailed, Problem, RvmError, UnexpectedAnswer, problem_of
from rvm_client.http.retries import Retries, is_repeated, retry_after_of

logger = logging.getLogger("rvm_client")
# Between two pieces of a file that RVM writes while it is read.
_DOWNLOAD_SECONDS = 300.0
Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class File:
    """A file of a form: a path, which is read while it is sent, or bytes."""

    name: str
    content: Path | bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """One request, as often as it is made. `form` and `files` make a multipart form, `body` is JSON."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    form: Fields = field(default_factory=dict, repr=False)
    files: Mapping[str, File] = field(default_factory=dict, repr=False)

    def request(self, http: httpx.Client, headers: Mapping[str, str], files: ExitStack) -> httpx.Request:
        """The request anew: a file is sent from its beginning each time."""
        opened: dict[str, tuple[str, IO[bytes] | bytes]] = {
            name: (
                file.name,
                files.enter_context(file.content.open("rb")) if isinstance(file.content, Path) else file.content,
            )
            for name, file in self.files.items()
        }
        query = {name: _in_address(value) for name, value in self.query.items() if value is not None}
        if opened:
            return http.build_request(
                self.method, self.path, params=query, data=dict(self.form), files=opened, headers=headers
            )
        if self.body is not None:
            return http.build_request(self.method, self.path, params=query, json=self.body, headers=headers)
        return http.build_request(self.method, self.path, params=query, headers=headers)


def _in_address(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


class Transport:
    """Requests of one API key. A POST has one Idempotency-Key for all its attempts, so RVM carries it out once."""

    def __init__(
        self,
        http: httpx.Client,
        retries: Retries,
        *,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._http = http
        self.retries = retries
        self._sleep = sleep
        self._chance = chance

    def json(self, call: Call, idempotency_key: str | None = None) -> Any:
        """The JSON of a successful answer; None for one without a body.

        Raises Problem, ConnectionFailed, UnexpectedAnswer.
        """
        answer = self._answer(call, idempotency_key)
        if not answer.content or (call.method == "DELETE" and answer.status_code == 404):
            return None
        try:
            return answer.json()
        except ValueError:
            raise _unexpected(answer) from None

    def _answer(self, call: Call, idempotency_key: str | None) -> httpx.Response:
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if call.method == "POST" else {}
        waited, unanswered, attempt = 0.0, False, 1
        while True:
            failure: RvmError
            retry_after: float | None = None
            try:
                with ExitStack() as files:
                    answer = self._http.send(call.request(self._http, headers, files))
            except httpx.RequestError as error:
                failure, unanswered = _no_answer(error), True
            else:
                retry_after = retry_after_of(answer.headers)
                if answer.is_success or (call.method == "DELETE" and answer.status_code == 404 and unanswered):
                    return answer  # that it is gone is what an unanswered deletion wanted
                failure = error_of(answer, retry_after)
                if not _may_pass(failure):
                    raise failure
            pause = self.retries.pause(attempt, waited, retry_after, self._chance)
            if pause is None:
                raise failure
            self._pause(call, pause, failure)
            waited, attempt = waited + pause, attempt + 1

    def wait(self, call: Call, failures: int, waited: float, failure: RvmError, usual: float) -> float:
        """The seconds paused before a stream is connected again: about `usual`, longer after each failure in a row; `waited` are
        those of the failures before. Raises the failure when no attempt is left."""
        pause = self.retries.pause(failures, waited, getattr(failure, "retry_after", None), self._chance)
        if pause is None:
            raise failure
        pause = max(pause, usual * (0.5 + self._chance() / 2))
        self._pause(call, pause, failure)
        return pause

    def _pause(self, call: Call, seconds: float, failure: RvmError) -> None:
        told = {"seconds": seconds, "failure": failure}
        logger.info("%s %s is repeated in %.1f seconds", call.method, call.path, seconds, extra=told)
        self._sleep(seconds)

    @contextmanager
    def stream(self, call: Call, headers: Mapping[str, str], read_timeout: float) -> Iterator[httpx.Response]:
        """A successful answer whose body is read while it arrives. It is not repeated here."""
        timeout = httpx.Timeout(self._http.timeout.connect, read=read_timeout)
        with ExitStack() as files:
            request = call.request(self._http, headers, files)
            request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
            try:
                answer = self._http.send(request, stream=True)
            except httpx.RequestError as error:
                raise _no_answer(error) from error
            files.callback(answer.close)
            if not answer.is_success:
                answer.read()
                raise error_of(answer, retry_after_of(answer.headers))
            yield answer

    def download(self, call: Call, to: Path) -> int:
        """The bytes of the answer, written to the file once all of them are there. Raises as `json` does; it is not repeated."""
        part = to.with_name(f".{to.name}.part")
        try:
            with self.stream(call, {}, _DOWNLOAD_SECONDS) as answer, part.open("wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
            part.replace(to)
        except httpx.RequestError as error:
            raise ConnectionFailed("The download broke off, and nothing was written. Start it again.") from error
        finally:
            part.unlink(missing_ok=True)
        return to.stat().st_size

    def close(self) -> None:
        self._http.close()


def _may_pass(failure: Problem | UnexpectedAnswer) -> bool:
    if isinstance(failure, UnexpectedAnswer):
        return is_repeated(failure.status, None)
    waits_for_long = failure.retry_at is not None and failure.retry_after is None
    return is_repeated(failure.status, failure.code) and not waits_for_long


def error_of(answer: httpx.Response, retry_after: float | None) -> Problem | UnexpectedAnswer:
    try:
        body = answer.json()
    except ValueError:
        return _unexpected(answer)
    if not isinstance(body, dict) or "code" not in body:
        return _unexpected(answer)
    return problem_of(body, answer.status_code, retry_after)


def _unexpected(answer: httpx.Response) -> UnexpectedAnswer:
    kind = answer.headers.get("Content-Type", "no content type").partition(";")[0]
    return UnexpectedAnswer(
        f"Something else than RVM answered: status {answer.status_code} with {kind}. Check the address of the API.",
        answer.status_code,
    )


def _no_answer(error: httpx.RequestError) -> ConnectionFailed:
    url = error.request.url
    told = (
        "Nothing answers at" if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else "No answer came from"
    )
    failure = ConnectionFailed(
        f"{told} {url.scheme}://{url.netloc.decode()} ({_reason(error)}). "
        "Check that this is the address of the API, that RVM runs there, and the network."
    )
    failure.__cause__ = error
    return failure


def _reason(error: httpx.RequestError) -> str:
    """What the system says, without the number that it has for it."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".").lower() or type(error).__name__
