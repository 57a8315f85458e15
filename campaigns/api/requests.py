"""What callers may send about campaigns and their lists of recipients."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from campaigns.imports.uploaded_lists import MAX_HEADER_ROW
from campaigns.models import Campaign
from campaigns.models.recipient_import import MAX_STATEMENT_LENGTH
from campaigns.opt_outs import columns as opt_outs
from campaigns.states import CampaignState
from campaigns.withdrawals.lists import MAX_LINES
from delivery.api.fields import ObjectField
from delivery.api.serializers.filters import ExportQuery
from delivery.lifecycle.reasons import Reason
from delivery.models import Lane
from delivery.models.lane import OWN_SETTINGS
from rvm.platform.api.fields import IdField, StrictModelSerializer, StrictSerializer, TextField, YesField
from rvm.platform.api.lists import WorldQuery
from rvm.spreadsheets.columns.kinds import KINDS, REPEATED, UNCLEAR
from rvm.spreadsheets.dialect import DELIMITERS, ENCODINGS
from rvm.spreadsheets.preview import MAX_COLUMNS

MAX_ITEM = 200
REASONS = [reason.value for reason in Reason]
LIST_FORMATS = ["csv", "xlsx"]


class LocalTimeField(serializers.DateTimeField):
    """A time with its offset, or without one: then the service reads it in the campaign's time zone."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is not None:
            return super().enforce_timezone(value)
        if not 1970 <= value.year < 9999:
            self.fail("overflow")  # no zone could shift it
        return value


class _OfCampaign(StrictModelSerializer):
    class Meta:
        model = Campaign
        fields = ("name", "time_zone")


class _OfLane(StrictModelSerializer):
    class Meta:
        model = Lane
        fields = OWN_SETTINGS


class CampaignChanges(StrictSerializer):
    """What of a campaign can be changed. Null is as the use case says; the use case's limits bind all the same."""

    use_case_id = IdField(help_text="Why and from whom. It stays once the campaign has recipients.")
    recording_id = IdField(required=False, allow_null=True, help_text="What everybody hears.")
    script = serializers.ListField(
        required=False,
        allow_null=True,
        child=ObjectField(),
        help_text='In place of one recording, its parts in the order in which they are heard: `{"clip": id}`, or by what the list '
        'says about the person `{"field": "first_name", "clips": {"ana": id}, "otherwise": id or null}`.',
    )
    starts_at = LocalTimeField(
        required=False,
        allow_null=True,
        help_text="Launched, it waits until then. Without an offset it is a time in `time_zone`.",
    )
    ends_at = LocalTimeField(
        required=False,
        allow_null=True,
        help_text="What is unsent then expires. Without an offset it is a time in `time_zone`.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Columns are taken as their tables say: types, bounds and help."""
        of_campaign, of_lane = _OfCampaign().get_fields(), _OfLane().get_fields()
        return {"name": of_campaign.pop("name"), **super().get_fields(), **of_campaign, **of_lane}


class NewCampaign(CampaignChanges):
    """A campaign to create."""


class CampaignQuery(WorldQuery):
    state = serializers.ChoiceField([state.value for state in CampaignState], required=False)
    use_case_id = IdField(required=False)
    setup_id = IdField(required=False, help_text="The use case's setup now.")
    created_after = serializers.DateTimeField(required=False, help_text="From this time on.")
    created_before = serializers.DateTimeField(required=False, help_text="Earlier than this.")


class RetryFailedRequest(StrictSerializer):
    accept_duplicate_risk = YesField(
        default=False, help_text="Also those who may have been reached; needs a scope of its own."
    )
    reasons = serializers.ListField(
        default=list,
        child=serializers.ChoiceField(REASONS),
        max_length=len(REASONS),
        help_text="Only those that failed for one of these; none are all that a retry can help.",
    )


class CampaignExportQuery(ExportQuery):
    """The listing's filters, and no pages; a campaign is of one world."""

    live = None  # type: ignore[assignment]
    campaign_id = None  # type: ignore[assignment]
    use_case_id = None  # type: ignore[assignment]


class ImportReading(StrictSerializer):
    """How the file is read. What is left out stays as it was guessed."""

    format = serializers.ChoiceField(LIST_FORMATS, required=False)
    encoding = serializers.ChoiceField(list(ENCODINGS), required=False)
    delimiter = serializers.ChoiceField(list(DELIMITERS), required=False, help_text="One character.")
    header_row = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_HEADER_ROW,
        help_text="The number of the row that names the columns, as a spreadsheet program shows it; 0 where none does. What stands "
        "above it is not read.",
    )
    sheet = TextField(
        required=False, max_length=100, help_text="Of a workbook, the one that is read: a name of `sheets`."
    )
    hidden_rows = YesField(
        required=False, help_text="Whether rows are read that the workbook hides or crosses out; false at first."
    )
    columns = serializers.ListField(
        required=False,
        child=TextField(allow_blank=True, max_length=64),
        max_length=MAX_COLUMNS,
        help_text=f"What each column is, from the left: {', '.join(KINDS)}, or a merge field's name of your own; empty where it is "
        "not "
        f"read. {', '.join(REPEATED)} may stand several times, and `{UNCLEAR}` where nobody has said yet what a column is; no "
        "list with such a column is checked.",
    )


class ImportUpload(ImportReading):
    """A list, and what is known of how it is read; what is left out is guessed."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV (any usual encoding and delimiter) or XLSX, at most 100 MB."
    )


class OptOutReading(ImportReading):
    """How a list of people who must not be reached is read. What is left out stays as it was guessed."""

    hidden_rows = YesField(
        required=False, help_text="Whether rows are read that the workbook hides or crosses out; true at first."
    )
    columns = serializers.ListField(
        required=False,
        child=TextField(allow_blank=True, max_length=64),
        max_length=MAX_COLUMNS,
        help_text=f"What each column is, from the left: {', '.join(opt_outs.KINDS)}; empty where it is not read. Every number of a "
        "row is listed. With `opt_out` only those are who have a yes in it, with `consent` those who have one are not. "
        f"{', '.join(opt_outs.REPEATED)} may stand several times, and `{UNCLEAR}` where nobody has said yet what a column is; no "
        "list with such a column is checked.",
    )


class OptOutUpload(OptOutReading):
    """A list of people who must not be reached, and what is known of how it is read; what is left out is guessed."""

    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV (any usual encoding and delimiter) or XLSX, at most 100 MB."
    )


class OptOutConfirmation(StrictSerializer):
    must_not_be_reached = YesField(
        default=False,
        help_text="That the people on the list must not be reached; needed where it looks like a list of patients.",
    )


class ImportConfirmation(StrictSerializer):
    consent_statement = TextField(
        max_length=MAX_STATEMENT_LENGTH,
        help_text="What you attest about these people's consent to be called. It is kept.",
    )


class WithdrawalList(StrictSerializer):
    """Who shall be taken out, in the body."""

    items = serializers.ListField(
        child=TextField(allow_blank=True, max_length=MAX_ITEM),
        min_length=1,
        max_length=MAX_LINES,
        help_text="Record numbers, references or phone numbers, one for each person.",
    )


class WithdrawalUpload(StrictSerializer):
    """Who shall be taken out, as a file."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text=f"CSV or XLSX with a column of record numbers, references or phone numbers, at most {MAX_LINES:,} rows.",
    )
