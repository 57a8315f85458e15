"""How campaigns, their figures and their lists of recipients look in answers.

The serializers beside the functions describe the same for the OpenAPI document; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from campaigns.imports.service import RowError
from campaigns.imports.uploaded_lists import ColumnRead, Sample
from campaigns.models import Campaign, CampaignRetry, OptOutImport, RecipientImport, UploadedList, Withdrawal
from campaigns.opt_outs.rows import sentence_of
from campaigns.planning.preview import Preview
from campaigns.planning.progress import Progress
from campaigns.states import CampaignState, ImportState, LineOutcome, OptOutState, Outcome, RetryState, WithdrawalState
from delivery.api.serializers.voicemails import MADE_BY_TEST_KEY
from rvm.platform.api.fields import help_of
from rvm.platform.observability.masking import mask_numbers
from rvm.spreadsheets.columns.questions import SENTENCES, Question
from rvm.spreadsheets.columns.reading import Sureness, Why

CAMPAIGN_STATES = [state.value for state in CampaignState]
IMPORT_STATES = [state.value for state in ImportState]
RETRY_STATES = [state.value for state in RetryState]
OPT_OUT_LIST_STATES = [state.value for state in OptOutState]
WITHDRAWAL_STATES = [state.value for state in WithdrawalState]
OUTCOMES = [outcome.value for outcome in Outcome]
HIDDEN = "•••"
ANSWERS = ("yes", "no", "nothing", "unclear", "next_number")


def _counts(help_text: str) -> serializers.DictField:
    return serializers.DictField(child=serializers.IntegerField(), help_text=help_text)


class CampaignAnswer(serializers.Serializer[Any]):
    campaign_id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(CAMPAIGN_STATES)
    live = serializers.BooleanField(help_text=MADE_BY_TEST_KEY)
    use_case_id = serializers.UUIDField()
    setup_id = serializers.UUIDField(help_text="The use case's setup now.")
    recording_id = serializers.UUIDField(allow_null=True)
    script = serializers.ListField(child=serializers.DictField(), allow_null=True)
    time_zone = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    window_start = serializers.TimeField(allow_null=True)
    window_end = serializers.TimeField(allow_null=True)
    days = serializers.ListField(child=serializers.IntegerField(), allow_null=True, help_text="1 is Monday.")
    pace_per_second = serializers.FloatField(allow_null=True)
    priority = serializers.IntegerField()
    max_attempts = serializers.IntegerField(allow_null=True)
    retry_minutes = serializers.IntegerField(allow_null=True)
    voicemails = _counts("How many of its voicemails are in which status; those with none are left out.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    launched_at = serializers.DateTimeField(allow_null=True, help_text="When sending began, or was scheduled to.")
    ended_at = serializers.DateTimeField(allow_null=True)


def campaign_answer(campaign: Campaign, voicemails: Mapping[str, int]) -> dict[str, Any]:
    """`voicemails` by status, as `delivery.lane_totals` knows them."""
    lane = campaign.lane
    return {
        "campaign_id": campaign.pk,
        "name": campaign.name,
        "state": campaign.state,
        "live": lane.live,
        "use_case_id": lane.use_case_id,
        "setup_id": lane.use_case.setup_id,
        "recording_id": campaign.recording_id,
        "script": campaign.script,
        "time_zone": campaign.time_zone,
        "starts_at": campaign.starts_at,
        "ends_at": campaign.ends_at,
        "window_start": lane.window_start,
        "window_end": lane.window_end,
        "days": lane.days,
        "pace_per_second": lane.pace_per_second,
        "priority": lane.priority,
        "max_attempts": lane.max_attempts,
        "retry_minutes": lane.retry_minutes,
        "voicemails": dict(sorted(voicemails.items())),
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
        "launched_at": campaign.launched_at,
        "ended_at": campaign.ended_at,
    }


class CampaignPage(serializers.Serializer[Any]):
    items = CampaignAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class RetryFailedAnswer(serializers.Serializer[Any]):
    retry_id = serializers.UUIDField()
    state = serializers.ChoiceField(RETRY_STATES, help_text="While it is running, the counts grow.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="As asked for; none are all that help.")
    accept_duplicate_risk = serializers.BooleanField()
    matching = serializers.IntegerField(
        help_text="How many voicemails had failed so when it was asked for. At the end, those neither queued nor left out had come "
        "to another end meanwhile."
    )
    queued = serializers.IntegerField(help_text="How many were queued again so far.")
    left_out = _counts(
        "How many were looked at and left as they are, by why: `suppressed`, or `attempts_used_up` after ten drops."
    )
    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    stopped_because = serializers.CharField(allow_blank=True, help_text="Where it was stopped, why, as a sentence.")


# As the columns are called.
_OF_A_RETRY: list[str] = [str(name) for name in RetryFailedAnswer().fields if str(name) != "retry_id"]


def retry_answer(retry: CampaignRetry) -> dict[str, Any]:
    told = {name: getattr(retry, name) for name in _OF_A_RETRY}
    return {"retry_id": retry.pk, **told, "left_out": dict(sorted(retry.left_out.items()))}


class LaterAnswer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    count = serializers.IntegerField()


class PreviewAnswer(serializers.Serializer[Any]):
    """`now`, the counts of `later` and of `skipped`, and `expiring` together are `total`."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    total = serializers.IntegerField()
    now = serializers.IntegerField(help_text="May be sent as soon as it starts.")
    later = LaterAnswer(many=True, help_text="Those who may be reached from a later time on, such as their morning.")
    skipped = _counts("Those who will not be reached, by reason.")
    expiring = serializers.IntegerField(help_text="Those whose turn would come after the end.")
    finishes_at = serializers.DateTimeField(allow_null=True, help_text="When the last one leaves, at this pace.")
    pace_per_second = serializers.FloatField()
    stopped = serializers.CharField(
        allow_blank=True,
        help_text="What keeps everybody waiting as it is now, as a sentence; the figures are those without it.",
    )


def preview_answer(preview: Preview) -> dict[str, Any]:
    return {**asdict(preview), "later": [{"at": at, "count": count} for at, count in preview.later]}


class OpenImportAnswer(serializers.Serializer[Any]):
    import_id = serializers.UUIDField()
    file_name = serializers.CharField()
    state = serializers.ChoiceField(IMPORT_STATES)
    rows_read = serializers.IntegerField()
    rows_imported = serializers.IntegerField()


class ProgressAnswer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    by_status = _counts("Voicemails by status.")
    by_reason = _counts("Voicemails by reason.")
    rate_per_second = serializers.FloatField(help_text="How fast they were sent lately.")
    finishes_at = serializers.DateTimeField(
        allow_null=True, help_text="Estimated; null where nothing waits or can be sent."
    )
    waiting_by_zone = _counts("The queued by the time zones that the people may be in, joined by commas.")
    open_imports = OpenImportAnswer(many=True)
    retry = RetryFailedAnswer(
        allow_null=True, help_text="The last retry of the failed; null where nobody asked for one."
    )


def progress_answer(progress: Progress, retry: CampaignRetry | None) -> dict[str, Any]:
    told = asdict(progress)
    return {
        **told,
        "open_imports": [{"import_id": entry.pop("id"), **entry} for entry in told["open_imports"]],
        "retry": None if retry is None else retry_answer(retry),
    }


class SheetAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    visibility = serializers.ChoiceField(["visible", "hidden", "very_hidden"])
    has_rows = serializers.BooleanField()


class ImportAnswer(serializers.Serializer[Any]):
    import_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField()
    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(help_text=help_of(UploadedList, "sha256"))
    state = serializers.ChoiceField(IMPORT_STATES)
    error = serializers.CharField(allow_blank=True, help_text=help_of(UploadedList, "error"))
    format = serializers.CharField()
    encoding = serializers.CharField(allow_blank=True)
    delimiter = serializers.CharField(allow_blank=True)
    header_row = serializers.IntegerField(help_text="The number of the row that names the columns; 0 where none does.")
    sheet = serializers.CharField(allow_blank=True, help_text=help_of(UploadedList, "sheet"))
    hidden_rows = serializers.BooleanField(help_text="Whether rows are read that the workbook hides or crosses out.")
    sheets = SheetAnswer(many=True, help_text="Of a workbook, in the order of their tabs.")
    columns = serializers.ListField(
        child=serializers.CharField(allow_blank=True),
        help_text="What each column is; empty where it is not read, `unclear` where somebody has to say it before the check.",
    )
    rows_read = serializers.IntegerField(help_text="Rows that were judged.")
    rows_imported = serializers.IntegerField(help_text="Rows that are done.")
    counts = _counts("Rows by outcome.")
    codes = _counts("Rows that were not accepted, by code.")
    answers = _counts(
        "Where a column asks for consent, how many rows say `yes`, `no`, `nothing` and what is `unclear`; "
        "`next_number`: people whose "
        "first phone is none and who are reached at their next one."
    )
    consent_statement = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    file_removed_at = serializers.DateTimeField(allow_null=True, help_text="The file is kept for a day.")


class UnreadableAnswer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()
    count = serializers.IntegerField()
    rows = serializers.ListField(
        child=serializers.IntegerField(), help_text="The first ones, as a spreadsheet program shows them."
    )


class OptOutListAnswer(serializers.Serializer[Any]):
    opt_out_list_id = serializers.UUIDField()
    live = serializers.BooleanField(
        help_text="False where a test key uploaded it: it puts nobody on the suppression list."
    )
    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(help_text=help_of(UploadedList, "sha256"))
    state = serializers.ChoiceField(OPT_OUT_LIST_STATES)
    error = serializers.CharField(allow_blank=True, help_text=help_of(UploadedList, "error"))
    format = serializers.CharField()
    encoding = serializers.CharField(allow_blank=True)
    delimiter = serializers.CharField(allow_blank=True)
    header_row = serializers.IntegerField(help_text="The number of the row that names the columns; 0 where none does.")
    sheet = serializers.CharField(allow_blank=True, help_text=help_of(UploadedList, "sheet"))
    hidden_rows = serializers.BooleanField(help_text="Whether rows are read that the workbook hides or crosses out.")
    sheets = SheetAnswer(many=True, help_text="Of a workbook, in the order of their tabs.")
    columns = serializers.ListField(
        child=serializers.CharField(allow_blank=True),
        help_text="What each column is; empty where it is not read, `unclear` where somebody has to say it before the check.",
    )
    rows_read = serializers.IntegerField()
    rows_imported = serializers.IntegerField(help_text="Rows that are done.")
    counts = _counts(
        "What the check found. `rows` in all, of which `unreadable` and `not_opted_out` list nobody. Numbers: `to_add`, "
        "`already_listed`, `repeated` in the list, and `waiting` in a campaign. `permitted`: rows of people who may be reached by "
        "another column."
    )
    unreadable = UnreadableAnswer(many=True, help_text="Rows in which no number could be read, by code.")
    added = serializers.IntegerField(help_text="Numbers that it put on the suppression list.")
    taken_back = serializers.IntegerField(help_text=help_of(OptOutImport, "taken_back"))
    ended_meanwhile = serializers.IntegerField(
        help_text="Voicemails to these that had been ended because of the list; they stay so, and another campaign "
        "reaches these people."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    file_removed_at = serializers.DateTimeField(allow_null=True, help_text="The file is kept for a day.")


_OF_A_LIST: list[str] = [str(name) for name in OptOutListAnswer().fields if str(name) != "opt_out_list_id"]
_COUNTS = (
    "rows",
    "to_add",
    "already_listed",
    "repeated",
    "unreadable",
    "not_opted_out",
    "waiting",
    "permitted",
)


def opt_out_list_answer(row: OptOutImport) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in _OF_A_LIST}
    told["counts"] = {name: told["counts"][name] for name in _COUNTS if name in told["counts"]}
    told["unreadable"] = [
        {"code": code, "detail": sentence_of(code), **kind} for code, kind in sorted(row.unreadable.items())
    ]
    return {"opt_out_list_id": row.pk, **told}


class OptOutListPage(serializers.Serializer[Any]):
    items = OptOutListAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


# As the columns are called.
_OF_AN_IMPORT: list[str] = [str(name) for name in ImportAnswer().fields if str(name) != "import_id"]


def import_answer(recipient_import: RecipientImport) -> dict[str, Any]:
    told = {name: getattr(recipient_import, name) for name in _OF_AN_IMPORT}
    counts, codes = told["counts"], told["codes"]
    # PostgreSQL keeps the names of an object in an order of its own.
    told["counts"] = {outcome: counts[outcome] for outcome in OUTCOMES if outcome in counts}
    told["codes"] = dict(sorted(codes.items()))
    told["answers"] = {name: told["answers"][name] for name in ANSWERS if name in told["answers"]}
    return {"import_id": recipient_import.pk, **told}


class ImportPage(serializers.Serializer[Any]):
    items = ImportAnswer(many=True)
    continuation_token = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class RowErrorAnswer(serializers.Serializer[Any]):
    row_number = serializers.IntegerField(help_text="As a spreadsheet program shows it beside the row.")
    outcome = serializers.ChoiceField(OUTCOMES)
    code = serializers.CharField()
    detail = serializers.CharField()
    earlier_row = serializers.IntegerField(
        allow_null=True, help_text="The row of this list in which the number stands too."
    )
    differs = serializers.ListField(
        child=serializers.CharField(),
        help_text="The columns in which this row and `earlier_row` differ, of `same_phone`.",
    )


class ColumnAnswer(serializers.Serializer[Any]):
    position = serializers.IntegerField(help_text="From 0.")
    kind = serializers.CharField(allow_blank=True, help_text="As in `columns`.")
    sure = serializers.ChoiceField([sureness.value for sureness in Sureness])
    why = serializers.ChoiceField(
        [why.value for why in Why],
        help_text="By its name, its cells or both; by its place, where another column is as good; as a person has said it.",
    )
    question = serializers.CharField(
        allow_blank=True, help_text="What somebody has to say about it before the list is checked."
    )


class SampleAnswer(serializers.Serializer[Any]):
    titles = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="What stands above the row that names the columns, and is not read.",
    )
    header = serializers.ListField(child=serializers.CharField(allow_blank=True))
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField(allow_blank=True)))


class ImportDetail(ImportAnswer):
    reading = ColumnAnswer(
        many=True, allow_null=True, help_text="What each column is taken for and why. Null where `sample` is null."
    )
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Sentences to read before confirming.")
    first_errors = RowErrorAnswer(many=True, help_text="Of each code the first rows that were not accepted.")
    sample = SampleAnswer(
        allow_null=True,
        help_text="The first rows as they are read now; cells are hidden unless the key may see numbers. Null while the rows are "
        "checked or imported, and once the file is gone.",
    )


class OptOutListDetail(OptOutListAnswer):
    reading = ColumnAnswer(
        many=True, allow_null=True, help_text="What each column is taken for and why. Null where `sample` is null."
    )
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Sentences to read before confirming.")
    sample = SampleAnswer(
        allow_null=True,
        help_text="The first rows as they are read now; cells are hidden unless the key may see numbers. Null while the rows are "
        "worked on, and once the file is gone.",
    )


def row_error_answer(error: RowError) -> dict[str, Any]:
    return {
        "row_number": error.row_number,
        "outcome": error.outcome,
        "code": error.code,
        "detail": error.sentence,
        "earlier_row": error.earlier_row,
        "differs": error.differs,
    }


def reading_answer(
    reading: Sequence[ColumnRead], sentences: Mapping[Question, str] = SENTENCES
) -> list[dict[str, Any]]:
    return [
        {**column._asdict(), "question": sentences[column.question] if column.question else ""} for column in reading
    ]


def sample_answer(sample: Sample, *, reveal: bool) -> dict[str, Any]:
    """Without `reveal` it is seen which cells are filled, and nothing of what stands in them."""
    seen = str if reveal else hidden
    return {
        "titles": [[seen(cell) for cell in cells] for cells in sample.titles],
        # A first row that is no header, taken for one, names somebody.
        "header": [mask_numbers(name) if sample.header_sure and not reveal else seen(name) for name in sample.header],
        "rows": [[seen(cell) for cell in row] for row in sample.rows],
    }


def hidden(cell: str) -> str:
    return HIDDEN if cell else ""


class WithdrawalAnswer(serializers.Serializer[Any]):
    withdrawal_id = serializers.UUIDField()
    campaign_id = serializers.UUIDField()
    state = serializers.ChoiceField(WITHDRAWAL_STATES)
    counts = _counts(f"Lines by what they came to: {', '.join(LineOutcome)}.")
    lines = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="Of what takes nobody out, the numbers of the first lines: the place in `items` from 1, or the row of the file.",
    )
    withdrawn = serializers.IntegerField(
        allow_null=True, help_text="How many were taken out; null before it is confirmed."
    )
    created_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)


def withdrawal_answer(withdrawal: Withdrawal) -> dict[str, Any]:
    return {
        "withdrawal_id": withdrawal.pk,
        "campaign_id": withdrawal.campaign_id,
        "state": withdrawal.state,
        "counts": withdrawal.counts,
        "lines": withdrawal.lines,
        "withdrawn": withdrawal.withdrawn,
        "created_at": withdrawal.created_at,
        "confirmed_at": withdrawal.confirmed_at,
    }
