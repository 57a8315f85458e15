"""The client and the command against the running platform: from a recording to a report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from pytest_django.plugin import DjangoDbBlocker
from rvm_client import Blocked, Client, Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from rvm_client.cli.exits import Exit
from rvm_client.cli.receiver import receiver

from tests.chaos.scene import Scene, scene
from tests.chaos.servers import own_servers
from tests.clients.stage import REMINDER, Commands, api_of, client_of
from tests.docs.pages import PROJECT

# The start of the platform takes long on a machine that does other work.
pytestmark = pytest.mark.timeout(300)
DELIVERED, NO_BOX, BUSY, REFUSED_LATER = "+15550010001", "+15550010002", "+15550010005", "+15550010098"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Scene]:
    quickly = ("--report-after-ms", "100")
    with (
        django_db_blocker.unblock(),
        own_servers() as servers,
        scene(servers, tmp_path_factory.mktemp("client"), "client", dispatchers=1, sandbox_options=quickly) as started,
    ):
        yield started


@pytest.fixture
def live(stage: Scene) -> Iterator[Client]:
    with client_of(stage) as made:
        yield made


@pytest.fixture
def rvm(stage: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """The command, after the lines that `make up` prints."""
    monkeypatch.setenv("API", api_of(stage))
    monkeypatch.setenv("KEY", stage.sample.api_key)
    monkeypatch.setenv("USE_CASE", str(stage.sample.use_case.id))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Commands(capsys)


def test_a_recording_is_sent_and_watched_until_it_is_delivered(rvm: Commands) -> None:
    ran = rvm("send", REMINDER, "--to", DELIVERED, "--watch", "--timeout", "60", "--json")
    assert (ran.code, ran.err) == (Exit.DONE, "")
    assert ran.rows[0]["status"] == "queued" and ran.rows[-1]["status"] == "delivered"
    assert len({row["voicemail_id"] for row in ran.rows}) == 1
    watched = rvm("watch", ran.rows[0]["voicemail_id"])
    assert watched.code == Exit.DONE and watched.out == f"{ran.rows[0]['voicemail_id']} delivered\n"


def test_a_recording_is_uploaded_once_and_known_again(rvm: Commands, live: Client) -> None:
    first = rvm("send", REMINDER, "--to", DELIVERED)
    again = rvm("send", REMINDER, "--to", DELIVERED)
    assert first.code == again.code == Exit.DONE
    assert "Uploaded reminder.mp3" in first.err and "Uploaded" not in again.err
    assert len({live.voicemails.get(ran.out.strip())["recording_id"] for ran in (first, again)}) == 1


def test_many_are_answered_one_by_one_and_results_tell_who_was_not_reached(
    rvm: Commands, live: Client, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"\ufeff{DELIVERED},visit-1\n\n{NO_BOX}\n+1555\n{BUSY}\n", encoding="utf-8")
    ran = rvm("send", REMINDER, "--to-file", str(people), "--watch", "--timeout", "60", "--json")
    assert ran.code == Exit.OTHERWISE
    assert [row["index"] for row in ran.rows if "index" in row] == [0, 1, 2, 3]
    assert ran.rows[2]["error"]["code"] == "number_malformed"
    ended = {row["voicemail_id"]: (row["status"], row["reason"]) for row in ran.rows if "index" not in row}
    assert sorted(ended.values(), key=str) == [
        ("delivered", None),
        ("failed", "busy"),
        ("failed", "voicemail_not_detected"),
    ]
    [named] = live.voicemails.list(reference="visit-1")
    assert named["id"] == ran.rows[0]["voicemail_id"]


def test_the_same_command_under_the_same_key_sends_once(rvm: Commands) -> None:
    command = ("send", REMINDER, "--to", DELIVERED, "--idempotency-key", "night-of-the-1st")
    assert rvm(*command).out == rvm(*command).out


def test_a_campaign_goes_from_its_list_to_its_report(rvm: Commands, tmp_path: Path) -> None:
    people, wrong, report = tmp_path / "people.csv", tmp_path / "wrong.csv", tmp_path / "report.csv"
    people.write_text(f"Mobile,First name\n{DELIVERED},Rosa\n{BUSY},Ivo\n12345,Tom\n")
    made = rvm("campaigns", "create", "Flu shots", "--recording", REMINDER, "--pace", "20", "--canary", "2")
    campaign = made.out.strip()
    assert made.code == Exit.DONE
    empty = rvm("campaigns", "launch", campaign)
    assert empty.code == Exit.REFUSED and "(no_recipients, request " in empty.err

    checked = rvm("campaigns", "import", campaign, str(people), "--errors", str(wrong), "--json")
    [told] = checked.rows
    assert (told["state"], told["counts"]["accepted"], told["codes"]) == ("checked", 2, {"not_a_phone": 1})
    assert wrong.read_text("utf-8-sig").splitlines()[1].startswith('"12345"')
    statement = ("--consent-statement", "Each of them signed form PH-12.")
    imported = rvm("campaigns", "import", campaign, "--import", told["import_id"], *statement, "--json")
    assert imported.code == Exit.DONE and imported.rows[-1]["state"] == "completed"

    [preview] = rvm("campaigns", "preview", campaign, "--json").rows
    assert (preview["total"], preview["now"], preview["simulated"]) == (2, 2, True)
    assert "at the start" in rvm("campaigns", "preview", campaign, "--rehearsal").out
    launched = rvm("campaigns", "launch", campaign, "--watch", "--timeout", "60", "--json")
    assert launched.code == Exit.DONE and launched.rows[0]["state"] == "running"
    assert launched.rows[-1]["state"] == "completed"

    reported = rvm("campaigns", "report", campaign, "--csv", str(report), "--status", "failed")
    assert reported.code == Exit.DONE and "1 delivered, 1 failed" in reported.out
    assert len(report.read_text("utf-8-sig").splitlines()) == 2
    assert rvm("watch", "--campaign", campaign).code == Exit.DONE


def test_lists_are_read_page_by_page(live: Client, monkeypatch: pytest.MonkeyPatch, rvm: Commands) -> None:
    for _ in range(4):
        rvm("send", REMINDER, "--to", DELIVERED)
    monkeypatch.setattr("rvm_client.http.paging.PAGE", 3)
    found = list(live.voicemails.list())
    assert len(found) == len({row["id"] for row in found}) > 3
    assert [row["id"] for row in found] == sorted((row["id"] for row in found), reverse=True)
    assert [row["id"] for row in live.voicemails.list(recipient_phone_number=BUSY, status=["delivered"])] == []


def test_refusals_are_typed(stage: Scene, live: Client) -> None:
    use_case, recording = str(stage.sample.use_case.id), live.recordings.upload(Path(REMINDER))["id"]
    live.voicemails.send(to=DELIVERED, use_case_id=use_case, recording_id=recording, reference="once")
    with pytest.raises(Conflict) as used:
        live.voicemails.send(to=DELIVERED, use_case_id=use_case, recording_id=recording, reference="once")
    assert used.value.code == "reference_used" and used.value.body["voicemail_id"] and used.value.request_id
    with pytest.raises(Invalid) as wrong:
        live.voicemails.send(to="+1555", use_case_id=use_case, recording_id="x")
    assert [field.pointer for field in wrong.value.fields] == ["/recording_id"]
    assert all(field.detail in str(wrong.value) for field in wrong.value.fields)
    with pytest.raises(NotFound):
        live.voicemails.get(use_case)
    with Client(api_of(stage), stage.sample.test_key) as test, pytest.raises(Forbidden) as forbidden:
        test.recordings.delete(recording)
    assert forbidden.value.code == "test_key"
    with Client(api_of(stage), "rvm_live_nobody") as nobody, pytest.raises(Unauthenticated):
        nobody.caller()


def test_a_person_who_opted_out_is_blocked(stage: Scene, live: Client, rvm: Commands) -> None:
    assert rvm("send", REMINDER, "--to", REFUSED_LATER, "--watch", "--timeout", "60").code == Exit.OTHERWISE
    recording = next(live.recordings.list())["id"]
    with pytest.raises(Blocked) as blocked:
        live.voicemails.send(to=REFUSED_LATER, use_case_id=str(stage.sample.use_case.id), recording_id=recording)
    assert blocked.value.code == "blocked.suppressed"
    ran = rvm("send", REMINDER, "--to", REFUSED_LATER)
    assert ran.code == Exit.OTHERWISE and "Recipient 1 was refused: " in ran.err and REFUSED_LATER not in ran.err


def test_what_is_not_done_in_time_is_said(rvm: Commands) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = rvm("send", REMINDER, "--to", DELIVERED, "--not-before", tomorrow).out.strip()
    ran = rvm("watch", later, "--timeout", "0")
    assert ran.code == Exit.TIMEOUT and "within --timeout" in ran.err


def test_events_of_a_voicemail_are_told_in_their_order(rvm: Commands, live: Client) -> None:
    before = newest(live)
    sent = rvm("send", REMINDER, "--to", DELIVERED).out.strip()
    followed = rvm("watch", sent)
    assert followed.code == Exit.DONE and "no stream" not in followed.err
    of_it = (each for each in live.events.stream(after=before) if each["data"].get("voicemail_id") == sent)
    told = []
    for each in of_it:
        told.append(each["type"])
        if each["type"] == "voicemail.delivered":
            break
    assert told[0] != "voicemail.delivered" and len(told) == len(set(told))
    [last] = rvm("watch", "--after", before, "--type", "voicemail.delivered", "--count", "1", "--json").rows
    assert last["type"] == "voicemail.delivered" and live.events.get(last["id"]) == last


def test_listen_receives_a_real_webhook_and_removes_its_destination(rvm: Commands, live: Client, stage: Scene) -> None:
    def send_once_it_listens() -> None:
        with client_of(stage) as other:
            until(lambda: list(other.webhook_destinations.list()))
            recording = next(other.recordings.list())["id"]
            use_case = str(stage.sample.use_case.id)
            other.voicemails.send(to=DELIVERED, use_case_id=use_case, recording_id=recording)

    live.recordings.upload(Path(REMINDER))
    sender = Thread(target=send_once_it_listens)
    sender.start()
    ran = rvm("listen", "--remove", "--type", "voicemail.delivered", "--count", "1", "--timeout", "60", "--json")
    sender.join()
    assert (ran.code, ran.err) == (Exit.DONE, "")
    [received] = ran.rows
    assert received["type"] == "voicemail.delivered"
    assert live.events.get(received["id"]) == received
    assert list(live.webhook_destinations.list()) == []


def test_what_became_of_a_webhook_is_told_attempt_by_attempt_and_it_is_sent_again(live: Client) -> None:
    destinations, secrets = live.webhook_destinations, list[str]()
    with receiver(0, secrets, "hex") as receiving:
        made = destinations.create(name="Scheduling", url=receiving.url, signature="hex", concurrency=2)
        secrets.append(made["secret"] or "")
        assert destinations.test(made["id"])["type"] == "webhook.ping"
        until(lambda: list(destinations.deliveries.list(made["id"], state="delivered", type="webhook.ping")))
        [ping] = destinations.deliveries.list(made["id"], type="webhook.ping")
        log = destinations.deliveries.get(made["id"], ping["id"])["log"]
        assert log[-1]["status"] == 204 and len(log) == ping["attempts"]
        again = destinations.deliveries.replay(made["id"], ping["id"])
        assert again["event_id"] == ping["event_id"]
        until(lambda: destinations.deliveries.get(made["id"], again["id"])["state"] == "delivered")
    assert destinations.disable(made["id"])["state"] == "disabled"
    with pytest.raises(Conflict):
        destinations.test(made["id"])
    assert destinations.enable(made["id"])["state"] == "enabled"
    assert {"webhook.ping", "voicemail.delivered"} <= {each["name"] for each in destinations.event_types()}
    destinations.delete(made["id"])


def test_an_interrupted_listener_removes_its_destination(rvm: Commands, live: Client) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "clients" / "python" / "src")}
    command = [sys.executable, "-m", "rvm_client", "listen", "--remove", "--test", "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert '"type":"webhook.ping"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == Exit.INTERRUPTED and "Traceback" not in err
    assert list(live.webhook_destinations.list()) == []


def newest(live: Client) -> str:
    """Where the feed is now."""
    page = live.events.page()
    while page["has_more"]:
        page = live.events.page(after=page["after"])
    return page["after"]


def until(holds: Callable[[], object]) -> None:
    """Wait for the condition, for at most a minute."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
