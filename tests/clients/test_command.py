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
        (["send", ID, "--to", NUMBER], {"RVM_USE_CASE": "reminders"}, "“reminders” is no id"),
        (["listen", "--remove"], {"RVM_WEBHOOK_SECRET": "whsec_c2VjcmV0"}, "no destination is made"),
        (["listen"], {"RVM_WEBHOOK_SECRET": "c2VjcmV0"}, "begins with whsec_"),
        (["campaigns", "import", ID], {}, "Name the file of the list"),
        (["campaigns", "import", ID, "nobody.csv"], {}, "nobody.csv cannot be read: No such file"),
        (["campaigns", "import", ID, "nobody.csv", "--consent-statement", " "], {}, "--consent-statement is empty"),
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
    ("arguments", "sentence"),
    [
        (["watch", "visit-8841"], "“visit-8841” is no id; an id has 36 characters"),
        (["watch", "--campaign", ""], "“” is no id"),
        (["campaigns", "launch", "flu"], "“flu” is no id"),
        (["watch", "--count", "0"], "“0” is no number of events; it is at least 1"),
        (["listen", "--port", "99999"], "“99999” is no port; a port is a number from 1 to 65535"),
        (["listen", "--signature", "md5"], "choose from 'standard', 'hex'"),
    ],
)
def test_a_word_that_an_option_cannot_be_is_told_with_the_command_s_usage(
    rvm: Commands, server: FakeServer, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        rvm(*arguments)
    assert ended.value.code == Exit.USAGE and sentence in capsys.readouterr().err
    assert server.asked == []


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


def test_which_voicemail_is_not_there_is_named(rvm: Commands, server: FakeServer) -> None:
    server.answers = [problem(403, "missing_scope"), problem(404, "not_found")]
    ran = rvm("watch", ID)
    assert ran.code == Exit.REFUSED and len(ran.err.splitlines()) == 1
    assert f"The id was {ID}; a campaign is followed with --campaign." in ran.err


def test_who_is_told_as_queued_is_not_told_so_again(rvm: Commands, server: FakeServer) -> None:
    found = {"id": ID, "reason": None, "reason_detail": None}
    forbidden = problem(403, "missing_scope")
    server.answers = [SENT, forbidden, *(Answer(200, found | {"status": each}) for each in ("queued", "delivered"))]
    ran = rvm("send", ID, "--to", NUMBER, "--watch", "--json")
    assert ran.code == Exit.DONE
    assert [(row["voicemail_id"], row["status"]) for row in ran.rows] == [(ID, "queued"), (ID, "delivered")]


def checked(**counts: int) -> Answer:
    errors = [{"row_number": 2, "code": "not_a_phone", "detail": "This is no number."}]
    told = {"id": ID, "campaign_id": ID, "state": "checked", "error": None, "rows_read": 9, "rows_imported": 0}
    return Answer(200, told | {"counts": counts, "codes": {}, "warnings": [], "first_errors": errors})


def test_a_checked_list_says_what_is_left_to_do(rvm: Commands, server: FakeServer) -> None:
    server.answers = [checked(accepted=2, invalid=3)]
    ran = rvm("campaigns", "import", ID, "--import", ID)
    assert ran.code == Exit.DONE and "Row 2: This is no number. (not_a_phone)" in ran.err
    assert "And 2 more; --errors FILE" in ran.err and f"--import {ID} --consent-statement" in ran.err


def test_a_list_of_which_nobody_can_be_added_asks_for_no_consent(rvm: Commands, server: FakeServer) -> None:
    server.answers = [checked(accepted=0, invalid=1)]
    ran = rvm("campaigns", "import", ID, "--import", ID)
    assert ran.code == Exit.OTHERWISE and "No row of this list can be accepted" in ran.err
    assert "consent" not in ran.err and "more; --errors" not in ran.err


def test_columns_that_are_not_understood_lead_to_the_option_for_them(
    rvm: Commands, server: FakeServer, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("Name\nRosa\n")
    server.answers = [
        problem(422, "invalid_request", errors=[{"pointer": "/columns", "code": "invalid", "detail": "No phone."}])
    ]
    ran = rvm("campaigns", "import", ID, str(people))
    assert ran.code == Exit.REFUSED and "--columns phone,first_name" in ran.err


def test_nobody_at_the_address_names_the_address(rvm: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RVM_API", f"http://127.0.0.1:1/v1/{ID}")
    ran = rvm("send", ID, "--to", NUMBER)
    assert ran.code == Exit.NO_ANSWER
    assert "Nothing answers at http://127.0.0.1:1 (connection refused)." in ran.err


def test_a_longer_pause_is_told_while_it_lasts(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [problem(503, "unavailable"), SENT, problem(503, "unavailable"), SENT]
    assert "asked again" not in rvm("send", ID, "--to", NUMBER).err
    monkeypatch.setattr("rvm_client.cli.output.LONG_PAUSE", 0.0)
    assert "It is so. It is asked again in 0 seconds." in rvm("send", ID, "--to", NUMBER).err
