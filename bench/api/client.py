"""One client of the server, as a customer's program is: a connection that stays, one request after the other."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from bench.api.scene import Scene
from bench.api.sends import body


class Client:
    """Each request returns the milliseconds that it took. Raises RuntimeError for another answer than the expected one."""

    def __init__(self, scene: Scene) -> None:
        address = urlsplit(scene.server.address)
        self._scene, self._headers, self._path = scene, scene.headers(), f"{scene.path}/voicemail"
        self._connection = HTTPConnection(str(address.hostname), address.port)
        self.request_id = ""  # of the last request

    def page(self, filters: dict[str, Any]) -> float:
        return self._asked("GET", f"{self._path}?{urlencode(filters, doseq=True)}", 200)

    def send(self) -> float:
        return self._asked("POST", self._path, 201, body(self._scene))

    def send_form(self, sound: bytes, to: str, **more: str) -> float:
        mark = uuid4().hex
        fields = {"use_case_id": self._scene.use_case.pk, "recipient_phone_number": to, **more}
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}\r\n' for name in fields
        ]
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="audio"; filename="a.mp3"\r\n\r\n')
        content = "".join(parts).encode() + sound + f"\r\n--{mark}--\r\n".encode()
        return self._asked("POST", self._path, 201, content, f"multipart/form-data; boundary={mark}")

    def close(self) -> None:
        self._connection.close()

    def _asked(self, method: str, path: str, expected: int, content: bytes | None = None, kind: str = "") -> float:
        self.request_id = str(uuid4())
        marked = {"X-Request-Id": self.request_id}
        headers = {**next(self._headers), **marked, **({"Content-Type": kind} if kind else {})}
        began = time.perf_counter()
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        said = answer.read()
        taken = (time.perf_counter() - began) * 1000
        if answer.status != expected:
            raise RuntimeError(f"{method} {path} was answered with {answer.status} {said[:300]!r}.")
        return taken
