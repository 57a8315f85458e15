"""One web process of whatever checkout it is started in: sends itself requests, and says what CPU they take.

`python -P …/web_requests.py NUMBER`, with PYTHONPATH the checkout, and another number for each process on one database. It makes its
rows by that checkout's own factories, so that it asks the same of an older one. Then each line of its input, `KIND NUMBER`, sends so
many requests through the WSGI application, and is answered by the seconds of CPU that this process took for them.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any
from wsgiref.util import setup_testing_defaults

VOICEMAILS = 200  # of which a page shows 50


def main() -> None:
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # logs are written, to nowhere
    from rvm.project.wsgi import application

    requests = make_requests()
    replies.write("ready\n")
    for line in sys.stdin:
        kind, number = line.split()
        asked = [next(requests[kind]) for _ in range(int(number))]
        began = time.process_time()
        for environ, expected in asked:
            answer(application, environ, expected)
        replies.write(f"{time.process_time() - began}\n")


def answer(application: Any, environ: dict[str, Any], expected: str) -> None:
    """Raises RuntimeError for another status than the expected one."""
    told: list[str] = []
    parts = application(environ, lambda status, headers, exc_info=None: told.append(status))
    body = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    if told[0][:3] != expected:
        raise RuntimeError(f"{environ['PATH_INFO']} answered {told[0]}: {body[:500]!r}")


def make_requests() -> dict[str, Iterator[tuple[dict[str, Any], str]]]:
    from tests import factories
    from tests.factories import make_api_key, make_campaign, make_recording, make_use_case, make_workspace

    factories._serial = count(1 + 100 * int(sys.argv[1]))  # names that no earlier process gave
    workspace = make_workspace()
    use_case = make_use_case(workspace)
    campaign = make_campaign(use_case, VOICEMAILS, state="running")
    _, key = make_api_key(workspace)
    recording = make_recording(workspace)
    cookie = signed_in(workspace)

    def sends() -> Iterator[tuple[dict[str, Any], str]]:
        for number in fictional_numbers():
            asked = {"use_case_id": str(use_case.pk), "recording_id": str(recording.pk)}
            body = json.dumps({**asked, "recipient_phone_number": number}).encode()
            headers = {"HTTP_AUTHORIZATION": f"Bearer {key}", "CONTENT_TYPE": "application/json"}
            yield request("POST", f"/v1/{workspace.pk}/voicemail", body, **headers), "201"

    def page(address: str) -> Iterator[tuple[dict[str, Any], str]]:
        while True:
            yield request("GET", address, HTTP_COOKIE=cookie), "200"

    return {
        "send": sends(),
        "list": page("/admin/delivery/voicemail/"),
        "campaign": page(f"/admin/campaigns/campaign/{campaign.pk}/change/"),
        "overview": page("/admin/"),
    }


def fictional_numbers() -> Iterator[str]:
    from rvm.phone_numbers.number_plan import AREA_CODES
    from rvm.phone_numbers.numbers import NumberInvalid, check_recipient

    for last in range(100):
        for code in AREA_CODES:
            with suppress(NumberInvalid):
                yield check_recipient(f"+1{code}55501{last:02}")


def signed_in(workspace: Any) -> str:
    """The cookie of an administrator who may see numbers and has shown a second factor."""
    from django.conf import settings
    from django.test import Client

    from tests.factories import make_user

    client, user = Client(), make_user(workspace=workspace, is_staff=True, may_see_numbers=True)
    client.force_login(user)
    session = client.session
    # As allauth keeps it.
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def request(method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **headers,
    }
    setup_testing_defaults(environ)
    return environ


if __name__ == "__main__":
    main()
