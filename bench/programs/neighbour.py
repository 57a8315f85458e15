"""The workspace of `bench neighbours`: `make` inserts it and prints its ids and its key, `ask` is its client until its input ends.

`python -m bench.programs.neighbour ask WEB WORKSPACE CAMPAIGN IMPORTING WORKBOOK`, with the key in BENCH_API_KEY. The client prints
a line once the workbook is being checked and all else is asked for, and at its end what became of its requests, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import NoReturn
from urllib.parse import urlsplit

EXPORTS = 3
BLOCK = 1 << 20
# Rather than after the time in Retry-After: it is no polite client. Another kind of work gets the place meanwhile.
AGAIN_SECONDS = 0.5
_BOUNDARY = b"bench-neighbours"


class Client:
    """Each kind of work is asked for again once it has ended."""

    def __init__(self, web: str, workspace: str, campaign: str, importing: str, workbook: str) -> None:
        self._server, self._root = urlsplit(web).netloc, f"/v1/{workspace}"
        self._preview = f"{self._root}/campaigns/{campaign}/preview"
        self._imports = f"{self._root}/campaigns/{importing}/imports"
        self._body = (
            b"--%b\r\nContent-Disposition: form-data; name=file; filename=list.xlsx\r\n\r\n" % _BOUNDARY
            + Path(workbook).read_bytes()
            + b"\r\n--%b--\r\n" % _BOUNDARY
        )
        self._checked = ""
        self.told: Counter[str] = Counter()
        self.checking, self.ended = Event(), Event()

    def export(self) -> None:
        self._count("exports", self._request("GET", f"{self._root}/voicemail/export?status=delivered")[0])

    def preview(self) -> None:
        self._count("previews", self._request("GET", self._preview)[0])

    def check(self) -> None:
        """Upload the workbook, have it checked and discard it."""
        kind = f"multipart/form-data; boundary={_BOUNDARY.decode()}"
        status, answer = self._request("POST", self._imports, self._body, kind)
        if status != 201:
            self._count("uploads", status, answer)
            return
        self._checked = f"{self._imports}/{json.loads(answer)['import_id']}"
        status, answer = self._request("POST", f"{self._checked}/check")
        if status != 200:
            self._count("checks", status, answer)
            return
        self.checking.set()
        while (state := json.loads(self._request("GET", self._checked)[1])["state"]) == "checking":
            time.sleep(0.5)
        if state != "checked":
            self._fail(f"the list is {state}")
        self._count("checks", 200)
        self.discard()

    def discard(self) -> None:
        if self._checked:
            self._request("DELETE", self._checked)
            self._checked = ""

    def again(self, work: Callable[[], None]) -> None:
        try:
            while not self.ended.is_set():
                work()
        except Exception as error:
            self._fail(repr(error))

    def _count(self, what: str, status: int, answer: bytes = b"") -> None:
        if status == 200:
            self.told[f"{what} ended"] += 1
        elif status in (429, 503):
            self.told[f"{what} told {status}"] += 1
        else:
            self._fail(f"{what} answered {status} {answer[:300]!r}")
        time.sleep(AGAIN_SECONDS)

    def _fail(self, what: str) -> NoReturn:
        print(what, file=sys.stderr, flush=True)
        os._exit(1)

    def _request(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes]:
        """The status and the end of the answer, which is read to its end."""
        headers = {"Authorization": f"Bearer {os.environ['BENCH_API_KEY']}"} | ({"Content-Type": kind} if kind else {})
        with closing(HTTPConnection(self._server, timeout=600)) as connection:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            last = b""
            while block := response.read(BLOCK):
                last = block
            return response.status, last


def ask(words: list[str]) -> None:
    client = Client(*words)
    _begin(client, client.check)
    client.checking.wait()
    for work in [client.preview, *[client.export] * EXPORTS]:
        _begin(client, work)
    print("asked", flush=True)
    sys.stdin.read()
    client.ended.set()
    told = dict(client.told)
    client.discard()
    print(json.dumps(told), flush=True)
    os._exit(0)  # what is under way is given up


def _begin(client: Client, work: Callable[[], None]) -> None:
    Thread(target=client.again, args=[work], daemon=True).start()


def make() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
    django.setup()
    from campaigns.models import Campaign
    from delivery.models import Lane, Recording
    from rvm.devtools.sample import load_sample

    sample = load_sample("http://127.0.0.1:9", "key", "secret")
    common = {"workspace": sample.workspace}
    recording = Recording.objects.create(
        **common,
        name="Bench",
        sha256="0" * 64,
        size_bytes=1,
        duration_ms=15_000,
        bitrate_kbps=128,
        bitrate_mode="cbr",
        sample_rate=44_100,
        channels=1,
    )
    drafts = []
    for name in ("Previewed", "Imported"):
        lane = Lane.objects.create(**common, use_case=sample.use_case, live=True, held=True)
        drafts.append(Campaign.objects.create(**common, id=lane.pk, lane=lane, name=name, recording=recording))
    ids = {
        "workspace": sample.workspace.pk,
        "setup": sample.setup.pk,
        "use_case": sample.use_case.pk,
        "campaign": drafts[0].pk,
        "importing": drafts[1].pk,
        "recording": recording.pk,
    }
    print(json.dumps({"key": sample.api_key, **{name: str(identifier) for name, identifier in ids.items()}}))


if __name__ == "__main__":
    make() if sys.argv[1] == "make" else ask(sys.argv[2:])
