"""The command says in a sentence what is wrong, with an exit code, and never shows a traceback or a number."""

from __future__ import annotations

from pathlib import Path

import pytest
from rvm_client import Client, Retries
from rvm_client.cli.exits import Exit

from tests.clients.fake_server import DROP, KEY, Answer, FakeServer, problem
from tests.clients.stage import Commands

NUMBER = "+15550010001"
ID = "01a20000-0000-7000-8000-000000000002"
SENT = Answer(200, {"queued": 1, "refused": 0, "items": [{"index": 0, "voicemail_id": ID, "status": "queued"}]})


@pytest.fixture
def rvm(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    """The command against a server that does as the test says, without pauses."""
    for name in ("API", "KEY", "USE_CASE", "RVM_API", "RVM_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RVM_API", server.api)
    monkeypatch.setenv("RVM_KEY", KEY)
    monkeypatch.setenv("RVM_USE_CASE", ID)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(Retries, "pause", lambda self, attempt, *_: 0.0 if attempt < 3 else None)
    server.answers = [SENT]
    return Commands(capsys)


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["send", ID], {}, "Say to whom"),
        (["send", ID, "--to", NUMBER], {"RVM_USE_CASE": ""}, "Say for which use case"),
        (["send", "nothing.mp3", "--to", NUMBER], {}, "nothing.mp3 cannot be read"),
        (["send", ID, "--to-file", "nobody.csv"], {}, "nobody.csv cannot be read"),
        (["send", ID, "--to", NUMBER, "--to", NUMBER, "--reference", "a"], {}, "--reference names the message to one"),
        (["watch", ID, "--campaign", ID], {}, "not both"),
        (["watch", "--timeout", "1"], {}, "--count says how many"),
        (["watch", "--count", "0"], {}, "--count is at least 1"),
        (["listen", "--remove"], {"RVM_WEBHOOK_SECRET": "whsec_c2VjcmV0"}, "no destination is made"),
        (["campaigns", "import", ID], {}, "Name the file of the list"),
        (["watch", ID], {"RVM_API": ""}, "RVM_API must be in the environment"),
        (["watch", ID], {"RVM_API": "https://rvm.example.org"}, "must be that of a workspace"),
        (["watch", ID], {"RVM_API": f"http://rvm.example.org/v1/{ID}"}, "must begin with https:"),
        (["watch", ID], {"RVM_KEY": "secret"}, "must begin with rvm_live_"),
        (["watch", ID, "--key-file", "no-key"], {}, "key file no-key cannot be read"),
    ],
)
def test_wrong_use_is_told_before_anything_is_asked(
    rvm: Commands,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    sentence: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = rvm(*arguments)
    assert ran.code == Exit.USAGE and ran.err.startswith("rvm: ") and sentence in ran.err
    assert server.asked == [] and ran.out == ""


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(403, "missing_scope"), Exit.REFUSED),
        (problem(503, "unavailable"), Exit.NO_ANSWER),
        (DROP, Exit.NO_ANSWER),
        (Answer(502, b"<html>", {"Content-Type": "text/html"}), Exit.NO_ANSWER),
    ],
)
def test_a_failure_is_a_sentence_and_an_exit_code(
    rvm: Commands, server: FakeServer, answer: Answer, code: Exit
) -> None:
    server.answers = [answer]
    ran = rvm("send", ID, "--to", NUMBER)
    assert ran.code == code and ran.err.startswith("rvm: ") and ran.out == ""
    assert len(ran.err.splitlines()) == 1 and NUMBER not in ran.err and KEY not in ran.err


def test_numbers_are_in_no_address(rvm: Commands, server: FakeServer) -> None:
    assert rvm("send", ID, "--to", NUMBER).out == f"{ID}\n"
    with Client(server.api, KEY) as client:
        server.answers = [Answer(200, {"items": [], "has_more": False, "continuation_token": None})]
        assert list(client.voicemails.list(recipient_phone_number=NUMBER)) == []
    assert NUMBER.encode() in b"".join(asked.content for asked in server.asked)
    assert not any(NUMBER[1:] in asked.path for asked in server.asked)


def test_a_file_of_more_people_than_a_batch_has_is_sent_in_batches(
    rvm: Commands, server: FakeServer, tmp_path: Path
) -> None:
    people = tmp_path / "people.txt"
    people.write_text(f"{NUMBER}\n" * 1_001)
    ran = rvm("send", ID, "--to-file", str(people), "--idempotency-key", "k", "--json")
    assert [len(asked.body["recipients"]) for asked in server.asked] == [1_000, 1]
    assert server.keys == ["k-0", "k-1"]
    assert [row["index"] for row in ran.rows] == [0, 1_000]


def test_the_variables_of_make_up_and_a_key_file_are_read(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for old, new in (("RVM_API", "API"), ("RVM_KEY", "KEY"), ("RVM_USE_CASE", "USE_CASE")):
        monkeypatch.delenv(old)
        monkeypatch.setenv(new, {"API": server.api, "KEY": KEY, "USE_CASE": ID}[new])
    assert rvm("send", ID, "--to", NUMBER).code == Exit.DONE
    (tmp_path / "key").write_text("rvm_test_another\n")
    assert rvm("send", ID, "--to", NUMBER, "--key-file", str(tmp_path / "key")).code == Exit.DONE
    assert [asked.headers["Authorization"] for asked in server.asked] == [f"Bearer {KEY}", "Bearer rvm_test_another"]
    assert {asked.body["use_case_id"] for asked in server.asked} == {ID}


def test_interruption_is_a_sentence(rvm: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rvm_client.voicemails.Voicemails.send_batch", interrupted)
    ran = rvm("send", ID, "--to", NUMBER)
    assert ran.code == Exit.INTERRUPTED and ran.err == "rvm: Interrupted. What was sent stays sent.\n"
