"""Erasure of a person: nothing is sent any more, nothing that says who it was is left, and what has to stay stays."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from campaigns.models import RecipientImport
from campaigns.people import erasure
from campaigns.people.erasure import erase, go_on_with_open
from campaigns.people.search import Person
from delivery.models import Assembly, CarrierReport, Voicemail, VoicemailIdentifier
from delivery.worker import tick
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Erasure, Workspace
from rvm.platform.retention import holds
from tests.delivery.states import counter_totals, make_drop, row_counts
from tests.factories import (
    RECIPIENT,
    make_campaign,
    make_consent,
    make_import,
    make_recording,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
)
from usecases.models import InboundMessage, Suppression

pytestmark = pytest.mark.django_db

OTHER = "+12025550143"
KNOWN: dict[str, Any] = {"record_number": "MRN-1", "merge_fields": {"name": "Ana Alder"}, "zones": ["state:NY"]}


def erased(workspace: Workspace, number: str = RECIPIENT, **options: Any) -> Erasure:
    return erase(
        Person(workspace, number), **{"reason": "Asked by letter", "actor": None, "now": database_now(), **options}
    )


def nothing_is_left_in(table: str) -> None:
    """No ciphertext opens to the person, and none of the columns of the person has a value."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE recipient IS NOT NULL")
        assert cursor.fetchone() == (0,)


def test_what_waits_is_canceled_and_what_is_known_of_the_person_goes() -> None:
    use_case = make_use_case()
    workspace = use_case.workspace
    campaign = make_campaign(use_case, count=1)
    other = Voicemail.objects.get(lane=campaign.lane)
    waits = make_voicemail(lane=campaign.lane, **KNOWN)
    ended = make_voicemail(use_case, status="delivered", **KNOWN)
    report = CarrierReport.objects.create(
        setup=use_case.setup,
        drop_id=make_drop(ended).pk,
        status="delivered",
        recipient=RECIPIENT,
        raw=b"sealed",
        merged_at=database_now(),
    )
    doubtful = CarrierReport.objects.create(
        setup=use_case.setup,
        status="failed",
        recipient=RECIPIENT,
        raw=b"sealed",
        effect="unknown_drop",
        merged_at=database_now(),
    )
    strange = CarrierReport.objects.create(
        setup=use_case.setup,
        status="failed",
        recipient=OTHER,
        raw=b"sealed",
        effect="unknown_drop",
        merged_at=database_now(),
    )
    said = [
        InboundMessage.objects.create(
            organisation=workspace.organisation,
            channel="text",
            number=number,
            last4=number[-4:],
            words="stop",
            opted_out=True,
        )
        for number in (RECIPIENT, OTHER)
    ]
    suppression = make_suppression(workspace, RECIPIENT)
    consent = make_consent(workspace, number=RECIPIENT)
    row = erased(workspace)
    assert row.counts == {"canceled": 1, "voicemails": 2, "reports": 2, "messages": 1}
    assert row.finished_at is not None
    for each, status in ((waits, "canceled"), (ended, "delivered")):
        each.refresh_from_db()
        assert (each.status, each.recipient, each.last4, each.record_number, each.merge_fields, each.zones) == (
            status,
            None,
            "",
            None,
            None,
            None,
        )
    assert not VoicemailIdentifier.objects.filter(record_number__isnull=False).exists()
    assert counter_totals(campaign.pk) == row_counts(campaign.pk) == {("queued", ""): 1, ("canceled", "canceled"): 1}
    other.refresh_from_db()
    assert other.recipient is not None and other.status == "queued"
    for each_report, kept in ((report, False), (doubtful, False), (strange, True)):
        each_report.refresh_from_db()
        assert (each_report.raw is not None, each_report.recipient is not None) == (kept, kept)
    assert [InboundMessage.objects.get(pk=each.pk).words for each in said] == [None, "stop"]
    suppression.refresh_from_db()
    assert suppression.lifted_at is None and suppression.number == RECIPIENT
    consent.refresh_from_db()
    assert consent.number == RECIPIENT
    assert erased(workspace).counts == {}


def test_the_record_says_who_what_and_when_and_holds_no_number() -> None:
    voicemail = make_voicemail(status="failed", reason="busy")
    row = erased(voicemail.workspace)
    began, done = AuditEvent.objects.filter(action__startswith="person.").order_by("id")
    assert (began.action, done.action) == ("person.erasure_began", "person.erased")
    assert done.details == {"number_index": bytes(voicemail.recipient_index).hex(), "voicemails": 1}
    assert began.details["reason"] == "Asked by letter"
    stored = str([row.number_indexes, row.counts, began.details, done.details])
    assert RECIPIENT[-4:] not in stored.replace(bytes(voicemail.recipient_index).hex(), "")


def test_a_person_of_another_workspace_is_another_person() -> None:
    theirs = make_voicemail(make_use_case(make_workspace()))
    erased(make_workspace())
    theirs.refresh_from_db()
    assert (theirs.recipient, theirs.status) == (RECIPIENT, "queued")


def test_many_are_erased_in_small_steps_and_a_stopped_erasure_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.retention.erasure.STEP_ROWS", 2)
    use_case = make_use_case()
    for _ in range(5):
        make_voicemail(use_case)
    steps = erasure.go_on
    monkeypatch.setattr(erasure, "go_on", lambda row, now: erasure._step(row.pk, now))
    assert erased(use_case.workspace).counts == {"canceled": 2, "voicemails": 2}
    monkeypatch.setattr(erasure, "go_on", steps)
    assert erased(use_case.workspace).counts == {"canceled": 5, "voicemails": 5}
    assert Erasure.objects.count() == 1
    nothing_is_left_in("delivery_voicemail")


@pytest.mark.parametrize("status", ["sending", "uncertain", "accepted"])
def test_an_erasure_is_open_until_the_carrier_has_said_what_became_of_the_voicemail(status: str) -> None:
    voicemail = make_voicemail(status=status)
    row = erased(voicemail.workspace)
    voicemail.refresh_from_db()
    assert (voicemail.recipient is None, voicemail.status) == (status != "sending", status)
    assert row.finished_at is None
    assert go_on_with_open in tick.STEPS
    Voicemail.objects.filter(pk=voicemail.pk).update(status="queued" if status == "sending" else "delivered")
    go_on_with_open(database_now())
    voicemail.refresh_from_db()
    row.refresh_from_db()
    assert voicemail.recipient is None and row.finished_at is not None
    assert voicemail.status == ("canceled" if status == "sending" else "delivered")


def test_a_list_that_is_kept_may_still_bring_the_person_who_is_erased_then() -> None:
    campaign = make_campaign()
    listed = make_import(campaign, state="checked")
    row = erased(campaign.workspace)
    assert row.finished_at is None
    late = make_voicemail(lane=campaign.lane)
    go_on_with_open(database_now())
    late.refresh_from_db()
    assert (late.status, late.recipient) == ("canceled", None)
    RecipientImport.objects.filter(pk=listed.pk).update(file_removed_at=database_now())
    go_on_with_open(database_now())
    row.refresh_from_db()
    assert row.finished_at is not None


def test_whoever_comes_back_is_erased_with_the_next_tick_however_many_erasures_are_open() -> None:
    campaign = make_campaign()
    make_import(campaign, state="checked")
    for place in range(erasure.MAX_LOOKED_AT + 2):
        erased(campaign.workspace, f"+1202555{place:04}")
    late = make_voicemail(lane=campaign.lane, recipient=f"+1202555{erasure.MAX_LOOKED_AT + 1:04}")
    go_on_with_open(database_now())
    late.refresh_from_db()
    assert (late.status, late.recipient) == ("canceled", None)
    RecipientImport.objects.update(file_removed_at=database_now())
    for _ in range(3):
        go_on_with_open(database_now())
    assert not Erasure.objects.filter(finished_at=None).exists()


def test_a_hold_on_the_workspace_or_on_a_campaign_of_the_person_refuses_with_a_sentence() -> None:
    use_case = make_use_case()
    workspace, mine, other = use_case.workspace, make_campaign(use_case), make_campaign(use_case)
    voicemail = make_voicemail(lane=mine.lane, status="failed")
    holds.place(workspace, campaign_id=other.pk, name="Other", reason="A", actor=None)
    hold = holds.place(workspace, campaign_id=mine.pk, name="Mine", reason="A", actor=None)
    with pytest.raises(ServiceError, match="A legal hold covers a campaign that this person is in") as refused:
        erased(workspace)
    assert refused.value.code == "legal_hold"
    holds.lift(hold, reason="B", actor=None, now=database_now())
    whole = holds.place(workspace, campaign_id=None, name="All", reason="A", actor=None)
    with pytest.raises(ServiceError, match="A legal hold covers this workspace"):
        erased(workspace)
    assert not Erasure.objects.exists()
    holds.lift(whole, reason="B", actor=None, now=database_now())
    assert erased(workspace).finished_at is not None
    voicemail.refresh_from_db()
    assert voicemail.recipient is None


def test_what_was_joined_for_the_person_alone_goes_and_what_others_hear_stays() -> None:
    use_case = make_use_case()
    own, shared, plain = (
        make_recording(use_case.workspace, assembled=assembled, sha256=letter * 64)
        for letter, assembled in (("a", True), ("b", True), ("c", False))
    )
    for recording in (own, shared, plain):
        default_storage.save(recording.storage_name, ContentFile(b"sound"))
        Assembly.objects.create(workspace=use_case.workspace, clips=[recording.pk], recording=recording)
        make_voicemail(use_case, status="delivered", recording=recording)
    make_voicemail(use_case, status="delivered", recording=shared, recipient=OTHER)
    row = erased(use_case.workspace)
    assert row.counts == {"voicemails": 3, "recordings": 1} and row.recordings == []
    own.refresh_from_db()
    assert own.sound_removed_at is not None and not Assembly.objects.filter(recording=own).exists()
    kept = [default_storage.exists(recording.storage_name) for recording in (own, shared, plain)]
    assert kept == [False, True, True]


def test_the_sound_of_a_voicemail_at_the_carrier_goes_when_it_has_ended() -> None:
    use_case = make_use_case()
    recording = make_recording(use_case.workspace, assembled=True)
    default_storage.save(recording.storage_name, ContentFile(b"sound"))
    voicemail = make_voicemail(use_case, status="accepted", recording=recording)
    row = erased(use_case.workspace)
    assert default_storage.exists(recording.storage_name) and row.recordings == [str(recording.pk)]
    Voicemail.objects.filter(pk=voicemail.pk).update(status="delivered")
    go_on_with_open(database_now())
    row.refresh_from_db()
    assert row.finished_at is not None and not default_storage.exists(recording.storage_name)


def test_the_command_reads_the_number_from_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    voicemail = make_voicemail(status="failed")
    said = StringIO()
    monkeypatch.setattr("sys.stdin", StringIO("(202) 555-0142\n"))
    call_command("erase_person", voicemail.workspace.slug, "--reason", "Asked by letter", stdout=said)
    [row] = Erasure.objects.all()
    assert said.getvalue() == f"Erasure {row.pk} (voicemails: 1).\n"
    assert row.reason == "Asked by letter"
    holds.place(voicemail.workspace, campaign_id=None, name="All", reason="A", actor=None)
    for typed, workspace, message in (
        ("12\n", voicemail.workspace.slug, "no phone number"),
        (f"{RECIPIENT}\n", voicemail.workspace.slug, "A legal hold covers"),
        (f"{RECIPIENT}\n", "nowhere", "no workspace"),
    ):
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        with pytest.raises(CommandError, match=message):
            call_command("erase_person", workspace)


def test_who_was_suppressed_stays_so_and_is_not_queued_again() -> None:
    use_case = make_use_case()
    make_suppression(use_case.workspace, RECIPIENT)
    make_voicemail(use_case, status="skipped", reason="suppressed", ended_at=database_now() - timedelta(days=1))
    erased(use_case.workspace)
    assert Suppression.objects.active().count() == 1
