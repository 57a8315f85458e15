"""How a working client is answered beside clients that send nothing, half a head or half a body."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from socket import create_connection
from urllib.parse import urlsplit

from bench.callbacks import web_server
from rvm.devtools.sample import load_sample

# Beyond this a request counts as not answered.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Sizes:
    """Clients that send nothing, those that stop in the head or the body (half of them each), and requests of the working one."""

    idle: int = 200
    half_sent: int = 200
    requests: int = 200


QUICK = Sizes(20, 20, 20)


@dataclass(frozen=True)
class Target:
    port: int
    path: str
    key: str

    @property
    def halves(self) -> tuple[bytes, bytes]:
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n"
        body = 'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"use_case_id": "'
        return f"GET {self.path} HTTP/1.1\r\n{head}".encode(), f"POST {self.path} HTTP/1.1\r\n{head}{body}".encode()

    def ask(self) -> float:
        """The seconds of one request on a connection of its own; infinite where it is not answered in time."""
        begun = time.monotonic()
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)) as connection:
                connection.request("GET", self.path, headers={"Authorization": f"Bearer {self.key}"})
                response = connection.getresponse()
                response.read()
        except OSError:
            return float("inf")
        return time.monotonic() - begun if response.status == 200 else float("inf")

    def ask_often(self, count: int) -> list[float]:
        """Ends early where several are not answered, each of which takes the whole patience."""
        times: list[float] = []
        while len(times) < count and times.count(float("inf")) < 3:
            times.append(self.ask())
        return times

    @contextmanager
    def crowd(self, idle: int, half_sent: int) -> Iterator[None]:
        sent = [b""] * idle + [half for half in self.halves for _ in range(half_sent // 2)]
        with ExitStack() as clients:
            for first in sent:
                clients.enter_context(create_connection(("127.0.0.1", self.port))).sendall(first)
            yield


def run(sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    sample = load_sample("http://127.0.0.1:9", "key", "secret")
    figures: dict[str, float] = {}
    with web_server() as (address, _):
        target = Target(urlsplit(address).port or 0, f"/v1/{sample.workspace.id}/voicemail", sample.api_key)
        target.ask_often(20)
        crowds = {
            "idle": (sizes.idle, 0),
            "half_sent": (0, sizes.half_sent),
            "both": (sizes.idle, sizes.half_sent),
        }
        for name, crowd in crowds.items():
            quiet = target.ask_often(sizes.requests)
            with target.crowd(*crowd):
                beside = target.ask_often(sizes.requests)
            ratio = statistics.median(beside) / statistics.median(quiet)
            say(
                f"beside {crowd[0]} idle and {crowd[1]} half-sent: median {statistics.median(beside) * 1000:.0f} ms, slowest"
                f" {max(beside):.2f} s; quiet {statistics.median(quiet) * 1000:.0f} ms, slowest {max(quiet):.2f} s"
            )
            figures |= {f"{name}_ratio": round(ratio, 2), f"{name}_worst_s": round(max(beside), 2)}
    return figures
