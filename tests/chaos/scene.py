"""A chaos scene: the whole platform as real processes, a load of voicemails, and methods that inject faults.

All randomness comes from the scene's seed (RVM_CHAOS_SEED and the name of the test). Each wait has a named condition and reports the
observed state if the condition does not become true.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from delivery.lifecycle.status import TERMINAL
from rvm.devtools.embedded.processes import tail
from rvm.devtools.sample import Sample, load_sample, recording_file
from rvm.devtools.stack import Running, Stack, answers, running
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient
from tests.chaos.servers import Servers, django_on
from tests.factories import fixed_token

SEED = os.environ.get("RVM_CHAOS_SEED", "1")
PATIENCE_SECONDS = 90.0
POLL_SECONDS = 0.02
# Short, so that the leases of a killed worker end soon.
QUICK = {"RVM_LEASE_SECONDS": "4", "RVM_CARRIER_TIMEOUT_SECONDS": "1", "RVM_DISPATCH_SECONDS": "5"}
# Reports arrive later than the delay of a retry, and with LATE_REPORTS mostly later than a lease ends. Otherwise the first report
# could hide a fault by preventing a wrong second drop.
SANDBOX = ("--report-after-ms", "2500", "--report-retry-cap", "0.5")
LATE_REPORTS = ("--report-after-ms", "6000")
T = TypeVar("T")
TERMINAL_NAMES = tuple(status.value for status in TERMINAL)


def numbers_of_nobody(lines: Iterable[int] = range(100, 200)) -> Iterator[str]:
    """Distinct numbers +1 NPA 555 xxxx over all geographic area codes. The lines 0100 to 0199 are reserved for fiction (some
    35,000 numbers); the others have no subscribers either, because 555 is the exchange of directory assistance."""
    starts = [f"+1{area_code}555" for area_code in range(201, 990)]
    real = [start for start in starts if is_reachable(f"{start}0100")]
    for line in lines:
        for start in real:
            yield f"{start}{line:04}"


def is_reachable(number: str) -> bool:
    try:
        return bool(check_recipient(number))
    except NumberInvalid:
        return False


class Scene:
    """A running platform with the sample workspace."""

    def __init__(self, servers: Servers, database_url: str, stack: Stack, sample: Sample, name: str) -> None:
        self.servers = servers
        self.database_url = database_url
        self.stack = stack
        self.sample = sample
        self.seed = f"{SEED}:{name}"
        self.chance = random.Random(self.seed)
        self.children: Running
        self.recipients: list[str] = []
        self.note = ""  # for the message of a failure
        self.poll_seconds = POLL_SECONDS  # polling many rows loads the machine
        self._numbers = numbers_of_nobody()
        self._recording_id = ""
        self.token = ""  # of the fixed callback address of the sample's setup
        self._connection: psycopg.Connection | None = None

    # load

    def queue(self, count: int) -> list[str]:
        """Queue voicemails through the API, as a customer's program does, and return their ids."""
        if not self._recording_id:
            self._recording_id = self.upload()["recording_id"]
        numbers = list(islice(self._numbers, count))
        self.recipients += numbers
        answer = self.post(
            "voicemail/batch",
            {
                "use_case_id": str(self.sample.use_case.id),
                "recording_id": self._recording_id,
                "recipients": [{"recipient_phone_number": number} for number in numbers],
            },
        )
        refused = [item for item in answer["items"] if "voicemail_id" not in item]
        assert not refused, f"the API refused {len(refused)} recipients, the first with {refused[0]}"
        return [item["voicemail_id"] for item in answer["items"]]

    def upload(self) -> dict[str, Any]:
        status, answer = self.try_upload()
        assert status == 201, answer
        return answer

    def try_upload(self) -> tuple[int, dict[str, Any]]:
        """Upload a recording once and return status and body of any response."""
        return self._upload("recordings", "audio", "reminder.mp3", recording_file())

    def send_file(self, path: str, field: str, name: str, content: bytes) -> dict[str, Any]:
        status, answer = self._upload(path, field, name, content)
        assert status == 201, answer
        return answer

    def _upload(self, path: str, field: str, name: str, content: bytes) -> tuple[int, dict[str, Any]]:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content
        return self._api(
            "POST", path, body + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
        )

    def get(self, path: str) -> dict[str, Any]:
        answers: list[tuple[int, dict[str, Any]]] = []

        def answered() -> bool:
            with suppress(OSError, HTTPException):
                answers.append(self._api("GET", path))
            return bool(answers) and answers[-1][0] < 500

        self.wait(f"GET {path} is answered", answered)
        status, answer = answers[-1]
        assert status == 200, f"GET {path} was answered {status}: {answer}"
        return answer

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST under one idempotency key until a response arrives, as a customer's program does."""
        key = str(uuid.uuid4())
        content = json.dumps(body).encode()
        answers: list[tuple[int, dict[str, Any]]] = []

        def answered() -> bool:
            with suppress(OSError, HTTPException):
                answers.append(self._api("POST", path, content, "application/json", key))
            return bool(answers) and answers[-1][0] < 500

        self.wait(f"POST {path} is answered", answered)
        status, answer = answers[-1]
        assert status < 300, f"POST {path} was answered {status}: {answer}"
        return answer

    def _api(
        self, method: str, path: str, body: bytes = b"", content_type: str = "", key: str = ""
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.sample.api_key}"}
        if method == "POST":
            headers |= {"Content-Type": content_type, "Idempotency-Key": key or str(uuid.uuid4())}
        path = f"/v1/{self.sample.workspace.id}/{path}"
        status, answer = exchange(self.stack.web_port, method, path, body, headers)
        content: dict[str, Any] = json.loads(answer)
        return status, content

    # observations

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Rows of a read-only query, repeated while PostgreSQL restarts."""
        answers: list[list[tuple[Any, ...]]] = []

        def answered() -> bool:
            try:
                answers.append(self._connected().execute(query, arguments).fetchall())
            except psycopg.OperationalError:
                self.close()
            return bool(answers)

        self.wait("PostgreSQL answers", answered)
        return answers[0]

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(self.database_url, autocommit=True)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def statuses(self) -> Counter[str]:
        return Counter(dict(self.rows("SELECT status, count(*) FROM delivery_voicemail GROUP BY status")))

    def ended(self) -> int:
        return sum(count for status, count in self.statuses().items() if status in TERMINAL_NAMES)

    def drops(self) -> int:
        return int(self.rows("SELECT count(*) FROM delivery_drop")[0][0])

    def unready(self) -> set[str]:
        """The parts that /readyz reports as not ready; "web" if there is no response."""
        try:
            _, body = exchange(self.stack.web_port, "GET", "/readyz")
        except (OSError, HTTPException):
            return {"web"}
        return {check["name"] for check in json.loads(body)["checks"] if not check["ok"]}

    def wait(self, what: str, holds: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
        """The value of `holds` as soon as it is true."""
        deadline = time.monotonic() + seconds
        while not (answer := holds()):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"After {seconds:.0f} s still not so: {what}. Seed {self.seed}. {self.note}{self.state()}"
                )
            time.sleep(self.poll_seconds)
        return answer

    def wait_for_drops(self, at_least: int) -> None:
        self.wait(f"{at_least} drops were made", lambda: self.drops() >= at_least)

    def wait_until_ended(self, seconds: float = PATIENCE_SECONDS) -> None:
        def all_ended() -> bool:
            self.let_long_waits_pass()
            return self.ended() == len(self.recipients)

        self.wait("every voicemail has ended", all_ended, seconds)

    def wait_until_ready(self) -> None:
        self.wait("/readyz is content", lambda: not self.unready())

    def state(self) -> str:
        """Status counts and last log lines of the processes, for the message of a failure."""
        if not self.servers.postgres_answers():
            return "\n  PostgreSQL does not answer."
        drops = self.rows("SELECT status, reason, count(*) FROM delivery_drop GROUP BY 1, 2 ORDER BY 1, 2")
        inbox = self.rows("SELECT count(*) FROM delivery_carrierreport WHERE merged_at IS NULL")
        logs = "".join(tail(self.children.log(name)) for name in self.children.processes)
        short = "\n".join(line[:300] for line in logs.splitlines())
        return (
            f"\n  voicemails {dict(self.statuses())}, drops {drops}, unmerged reports {inbox[0][0]}"
            f"\n  ended by themselves: {self.children.crashed()}, not ready: {self.unready()}{short}"
        )

    def simulator_ledger(self) -> dict[str, Any]:
        """What the simulated carrier did."""
        headers = {"Authorization": f"Bearer {self.stack.sandbox_key}"}
        _, body = exchange(self.stack.simulator_port, "GET", "/ledger", headers=headers)
        found: dict[str, Any] = json.loads(body)
        return found

    # faults

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL, *, group: bool = False) -> None:
        """Kill and reap one process of the platform, with its children if `group`."""
        process = self.children.processes[name]
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        process.wait(10)

    def start(self, name: str, variables: Mapping[str, str] | None = None) -> None:
        """Start the process again, with the given variables added to its environment."""
        usual = self.stack
        self.children.stack = replace(usual, variables={**usual.variables, **(variables or {})})
        self.children.start(name)
        self.children.stack = usual

    def start_web(self) -> None:
        """Start web again; if only gunicorn's master was killed, the port is free once its workers have noticed and exited."""
        self.wait("the web server's port is free", lambda: is_free(self.stack.web_port))
        self.start("web")
        self.wait("the web server answers", lambda: answers(f"{self.stack.web_url}/livez"))

    def set_faults(self, **faults: float) -> None:
        headers = {"Authorization": f"Bearer {self.stack.sandbox_key}", "Content-Type": "application/json"}
        status, _ = exchange(self.stack.sandbox_port, "POST", "/v1/faults", json.dumps(faults).encode(), headers)
        assert status == 200

    def set_pace(self, per_second: float) -> None:
        self.rows("UPDATE usecases_telephonysetup SET pace_per_second = %s RETURNING id", per_second)

    def breaker_is_open(self) -> bool:
        return bool(self.rows("SELECT 1 FROM usecases_telephonysetup WHERE breaker_until > now()"))

    def wait_for_the_carrier(self) -> None:
        self.wait("the carrier answers", lambda: answers(f"{self.stack.sandbox_url}/livez"))

    def pass_time(self, seconds: float) -> None:
        """Wait for a fixed time, the only such wait: the duration of a fault is part of the scene."""
        time.sleep(seconds)

    def processes(self, name: str) -> list[int]:
        """Process ids of a process of the platform and its children."""
        pid = self.children.processes[name].pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def let_long_waits_pass(self) -> None:
        """End the waits that follow many faults: minutes to an hour between look-ups of a drop, minutes of an open breaker."""
        for statement in (
            "UPDATE delivery_drop SET due_at = now() WHERE status = 'uncertain' AND due_at > now() + interval '40 seconds'",
            "UPDATE usecases_telephonysetup SET breaker_until = now() WHERE breaker_until > now() + interval '40 seconds'",
        ):
            self.rows(f"{statement} RETURNING id")

    def give_up_on_lost_reports(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until only reports that the sandbox withholds permanently are missing, then move their horizon into the past."""

        def missing() -> set[str]:
            self.let_long_waits_pass()
            open_ones = self.rows(
                "SELECT status, drop_id FROM delivery_voicemail WHERE NOT status = ANY(%s)", list(TERMINAL_NAMES)
            )
            return {str(drop) if status == "accepted" else status for status, drop in open_ones}

        self.wait("nothing but lost reports is missing", lambda: missing() <= set(self.keys_of_lost_reports()), seconds)
        self.rows(
            "UPDATE delivery_drop SET accepted_at = accepted_at - interval '100 days' WHERE status = 'accepted' RETURNING id"
        )

    def keys_of_lost_reports(self) -> list[str]:
        lines = ledger_lines(self.stack.ledger)
        lost = {drop for line in lines if line["t"] == "lost" for drop in line["ids"]}
        return [line["key"] for line in lines if line["t"] == "accepted" and line["id"] in lost]


def ledger_lines(ledger: Path) -> list[dict[str, Any]]:
    """Complete lines of the carrier's ledger so far; an incomplete last line is ignored."""
    whole, _, _ = ledger.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


@contextmanager
def scene(
    servers: Servers,
    directory: Path,
    name: str,
    *,
    dispatchers: int = 2,
    sandbox_options: Iterable[str] = (),
    variables: Mapping[str, str] | None = None,
    dispatch_worker: tuple[str, ...] = ("worker", "dispatch"),
    pace: float = 60,
    pooler: Callable[[str], AbstractContextManager[str]] = nullcontext,
    carrier: str = "",
    simulator_options: tuple[str, ...] = (),
) -> Iterator[Scene]:
    """Start the whole platform on a fresh database and an empty Redis. `pooler` maps the DATABASE_URL to the one that the platform
    uses. Voicemails go through the simulator of the `carrier`, or the sandbox."""
    servers.flush_redis()
    url = servers.new_database()
    with pooler(url) as address:
        stack = Stack(
            directory,
            free_port(),
            free_port(),
            dispatchers=dispatchers,
            dispatch_worker=dispatch_worker,
            sandbox_options=(*SANDBOX, "--seed", SEED, *sandbox_options),
            carrier=carrier,
            simulator_port=free_port(),
            simulator_options=simulator_options,
            variables={
                **QUICK,
                "DATABASE_URL": address,
                "REDIS_URL": servers.redis_url,
                "RVM_MEDIA_ROOT": str(directory / "media"),
                **(variables or {}),
            },
        )
        with django_on(url):
            sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret, vendor=stack.simulator)
            token = fixed_token(sample.setup)
        stage = Scene(servers, url, stack, sample, name)
        stage.token = token
        stage.set_pace(pace)
        with closing(stage), running(stack) as children:
            stage.children = children
            yield stage


def exchange(
    port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Send one HTTP request to localhost and return status and body. Raises OSError or HTTPException."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
