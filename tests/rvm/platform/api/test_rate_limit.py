"""Every answer says where its key stands; one request too many waits; without Redis the API goes on."""

from __future__ import annotations

import json
import re

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from rvm.platform.api import rate_limit
from rvm.platform.api.rate_limit import Policy
from rvm.platform.redis_connection import redis_client
from rvm.platform.scopes import Scope
from tests.factories import make_workspace
from tests.rvm.platform.api.conftest import Caller, make_caller

pytestmark = [pytest.mark.urls("tests.rvm.platform.api.sample_api"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "READ", Policy("read", 2, 60))
    monkeypatch.setattr(rate_limit, "WRITE", Policy("write", 2, 60))


def test_every_answer_says_what_is_left_and_the_one_too_many_is_429(caller: Caller) -> None:
    answers = [caller.get("things") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"read";q=2;w=60'}
    refused = answers[-1]
    assert json.loads(refused.content)["code"] == "rate_limited"
    assert re.fullmatch(rf'"read";r=0;t={refused["Retry-After"]}', refused["RateLimit"])
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert "Retry-After" not in answers[0]


def test_headers_of_older_clients_say_the_same_with_the_reset_as_a_unix_time(caller: Caller) -> None:
    (before, _), answer, (after, _) = redis_client().time(), caller.get("things"), redis_client().time()
    assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]) == ("2", "1")
    seconds = int(answer["RateLimit"].rpartition("t=")[2])
    assert before + seconds <= int(answer["X-RateLimit-Reset"]) <= after + seconds


def test_reading_and_writing_and_two_keys_are_counted_apart(caller: Caller) -> None:
    for _ in range(3):
        caller.get("things")
    assert caller.post("things", {"name": "x"}).status_code == 201
    assert make_caller(workspace=make_workspace()).get("things").status_code == 200


# What a key is refused for without a look at what it asks: status, scopes, path, headers.
REFUSALS: dict[str, tuple[int, list[Scope], str, dict[str, str]]] = {
    "scope": (403, [Scope.VOICEMAIL_SEND], "things", {}),
    "workspace": (404, list(Scope), "/v1/01a2fbc0-0000-7000-8000-000000000001/things", {}),
    "accept": (406, list(Scope), "things", {"Accept": "text/csv"}),
    "charset": (415, list(Scope), "things", {"Content-Type": "text/plain; charset=latin-1"}),
    "query": (422, list(Scope), "things?dry_run=true", {}),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_refusal_of_a_known_key_is_counted_once_and_says_so(refusal: str) -> None:
    status, scopes, path, headers = REFUSALS[refusal]
    caller = make_caller(*scopes)
    address = path if path.startswith("/") else caller.url(path)
    answers = [caller.client().get(address, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert "RateLimit-Policy" in answers[0]


def test_a_method_that_is_not_there_is_counted_once(caller: Caller) -> None:
    answers = [caller.client().patch(caller.url("things")) for _ in range(3)]
    assert [(answer.status_code, answer["RateLimit"][:11]) for answer in answers] == [
        (405, '"write";r=1'),
        (405, '"write";r=0'),
        (429, '"write";r=0'),
    ]


def test_who_copied_a_key_takes_no_request_from_its_owner() -> None:
    """From elsewhere than its networks a key is not accepted, nor told where it stands."""
    caller = make_caller(networks=["203.0.113.0/24"])
    answers = [caller.get("things") for _ in range(3)]
    assert {(answer.status_code, "RateLimit" in answer) for answer in answers} == {(403, False)}
    assert caller.get("things", REMOTE_ADDR="203.0.113.7")["X-RateLimit-Remaining"] == "1"


def test_a_refusal_says_it_too(caller: Caller) -> None:
    assert caller.post("things", {"name": "much too long"})["RateLimit"].startswith('"write";r=1')


def test_a_replay_counts_and_says_it_too(caller: Caller) -> None:
    answers = [caller.post("things", {"name": "x"}, **{"Idempotency-Key": "k"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[1]["Idempotent-Replayed"] == "true" and answers[1]["RateLimit"].startswith('"write";r=0')


def test_while_redis_is_away_requests_go_on_uncounted(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def eval(self, *args: object) -> None:
            raise RedisConnectionError("away")

    monkeypatch.setattr(rate_limit, "redis_client", Away)
    answers = [caller.get("things") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert "RateLimit" not in answers[0]


@pytest.mark.parametrize("text", ["x", "-5", "1e9", "inf", "", "9" * 18, "9" * 400, b"\x80\x04\x95"])
def test_what_is_no_count_in_redis_is_replaced_by_one(text: str | bytes) -> None:
    policy, key = Policy("planted", 2, 60), "rvm:rate:planted:somebody"
    redis_client().set(key, text)
    assert [status and status.used for status in (rate_limit.count("somebody", policy) for _ in range(3))] == [1, 2, 3]
    assert 0 < redis_client().ttl(key) <= 60
    redis_client().delete(key)


@pytest.mark.parametrize("seconds", [None, 10**8])
def test_a_window_that_does_not_end_is_replaced_by_one_that_does(seconds: int | None) -> None:
    policy, key = Policy("planted", 2, 60), "rvm:rate:planted:somebody"
    redis_client().set(key, 3, ex=seconds)
    status = rate_limit.count("somebody", policy)
    assert status is not None and not status.exceeded and status.seconds == 60
    redis_client().delete(key)


def test_a_key_of_another_type_is_replaced_by_a_count() -> None:
    policy, key = Policy("planted", 2, 60), "rvm:rate:planted:somebody"
    redis_client().rpush(key, "x")
    assert rate_limit.count("somebody", policy) is not None
    redis_client().delete(key)
