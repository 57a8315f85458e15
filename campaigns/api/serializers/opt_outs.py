"""Serializers of opt-out lists in requests and responses."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from campaigns.api.serializers.fields import CountsField
from campaigns.api.serializers.uploaded_lists import (
    FILE,
    PROGRESS,
    READ_AS,
    TIMES,
    ListFileField,
    ListPreviewSerializer,
    ListReading,
    ListSampleSerializer,
    UploadedListSerializer,
    columns_field,
)
from campaigns.models import OptOutImport
from campaigns.opt_outs.columns import KINDS, REPEATED
from campaigns.opt_outs.rows import message_of
from campaigns.states import OptOutState
from rvm.platform.api.fields import StrictSerializer, TextField, YesField, YesFilter, help_of
from rvm.platform.api.rows.serializers import FormerIdField
from usecases.api.suppression_serializers import SUPPRESSION_SCOPES
from usecases.services.suppressions import MAX_LIFT_REASON_LENGTH
from usecases.suppression_kinds import SuppressionScope

OPT_OUT_LIST_STATES = [state.value for state in OptOutState]
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


class OptOutReading(ListReading):
    """How the file of an opt-out list is read. A field that is left out does not change, except that `columns` are guessed
    again if the file is read in another way."""

    hidden_rows = YesFilter(
        required=False, help_text="Whether rows that the workbook hides or crosses out are read; true by default."
    )
    columns = columns_field(
        f"{', '.join(KINDS)}; null or empty if it is not read. Every number of a row is suppressed. With a column `opt_out`, only "
        "people with a yes in it are; with a column `consent`, only people without a yes in it.",
        repeated=REPEATED,
    )


class OptOutUpload(OptOutReading):
    """A list of people who must not be reached, to upload, with how it is read. A field that is left out is guessed from the file."""

    file = ListFileField()


class OptOutConfirmation(StrictSerializer):
    must_not_be_reached = YesField(
        default=False,
        help_text="Confirms that the people on the list must not be reached; needed if it looks like a list of patients.",
    )
    scope = serializers.ChoiceField(
        SUPPRESSION_SCOPES,
        default=SuppressionScope.ORGANISATION.value,
        help_text="Whether its numbers are suppressed in all workspaces of the organisation or in this one only.",
    )

    def validate(self, attrs: Any) -> Any:
        return {**attrs, "scope": SuppressionScope(attrs["scope"])}


class OptOutLift(StrictSerializer):
    reason = TextField(max_length=MAX_LIFT_REASON_LENGTH, help_text="Why its numbers may be reached again.")


class UnreadableMessageField(serializers.CharField):
    def to_representation(self, code: str) -> str:
        return message_of(code)


class _ByCode(serializers.ListSerializer[Any]):
    def to_representation(self, kinds: Any) -> list[Any]:
        return super().to_representation([{"code": code, **kind} for code, kind in sorted(kinds.items())])


class UnreadableRowsSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = UnreadableMessageField(source="code")
    count = serializers.IntegerField()
    rows = serializers.ListField(
        child=serializers.IntegerField(), help_text="The first row numbers, as in a spreadsheet program."
    )

    class Meta:
        list_serializer_class = _ByCode


class OptOutListSerializer(UploadedListSerializer):
    opt_out_list_id = FormerIdField()
    live = serializers.BooleanField(help_text="False if a test key uploaded it: it suppresses nobody.")
    scope = serializers.ChoiceField(SUPPRESSION_SCOPES, help_text=help_of(OptOutImport, "scope"))
    state = serializers.ChoiceField(OPT_OUT_LIST_STATES)
    counts = CountsField(
        "Results of the check. Of all `rows`, `unreadable` and `not_opted_out` suppress nobody. Numbers: `to_add`, "
        "`already_listed`, `repeated` in the list, and `waiting` in a campaign. `permitted`: rows in which another column says that "
        "the person may be reached.",
        *_COUNTS,
    )
    unreadable = UnreadableRowsSerializer(many=True, help_text="Rows in which no number could be read, by code.")
    added = serializers.IntegerField(help_text="Suppressions that it added.")
    taken_back = serializers.IntegerField(help_text=help_of(OptOutImport, "taken_back"))
    ended_meanwhile = serializers.IntegerField(
        help_text="Voicemails to these people that ended because of the list. They stay ended; another campaign "
        "reaches these people."
    )

    class Meta:
        model = OptOutImport
        fields: tuple[str, ...] = (
            "id",
            "opt_out_list_id",
            "live",
            "scope",
            *FILE,
            *READ_AS,
            *PROGRESS,
            "unreadable",
            "added",
            "taken_back",
            "ended_meanwhile",
            "lift_reason",
            *TIMES,
        )


class OptOutListPreviewSerializer(ListPreviewSerializer):
    sample = ListSampleSerializer(
        allow_null=True,
        help_text="The first rows by the current reading; cells are hidden unless the key may see numbers. Null while a worker "
        "reads the list, and once the file is removed.",
    )


class OptOutListDetailSerializer(OptOutListPreviewSerializer, OptOutListSerializer):
    class Meta(OptOutListSerializer.Meta):
        fields = (*OptOutListSerializer.Meta.fields, "reading", "warnings", "sample")
