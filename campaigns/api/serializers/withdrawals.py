"""Serializers of withdrawals in requests and responses."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.api.serializers.fields import CountsField
from campaigns.states import LineOutcome, WithdrawalState
from campaigns.withdrawals.lists import MAX_LINES
from rvm.platform.api.fields import StrictSerializer, TextField
from rvm.platform.api.rows.serializers import FormerIdField, RowSerializer

MAX_ITEM = 200
WITHDRAWAL_STATES = [state.value for state in WithdrawalState]


class WithdrawalList(StrictSerializer):
    """The people to take out of a campaign, as a list in the body."""

    items = serializers.ListField(
        child=TextField(allow_blank=True, max_length=MAX_ITEM),
        min_length=1,
        max_length=MAX_LINES,
        help_text="Record numbers, references or phone numbers, one for each person.",
    )


class WithdrawalUpload(StrictSerializer):
    """The people to take out of a campaign, as a file."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text=f"CSV or XLSX with a column of record numbers, references or phone numbers, at most {MAX_LINES:,} rows.",
    )


class WithdrawalSerializer(RowSerializer[Any]):
    withdrawal_id = FormerIdField()
    campaign_id = serializers.UUIDField()
    state = serializers.ChoiceField(WITHDRAWAL_STATES)
    counts = CountsField(f"Lines by outcome: {', '.join(LineOutcome)}.", *LineOutcome)
    lines = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="By outcome that takes nobody out, the numbers of the first lines: the position in `items` from 1, or the file's "
        "row.",
    )
    withdrawn = serializers.IntegerField(
        allow_null=True, help_text="The number of people who were taken out; null before it is confirmed."
    )
    created_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
