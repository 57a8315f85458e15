"""Base serializers of uploaded lists of any kind: how they are read, their responses, and the first look at their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

from campaigns.imports.uploaded_lists import MAX_HEADER_ROW
from campaigns.models import UploadedList
from rvm.platform.api.fields import StrictSerializer, TextField, WholeNumberField, help_of
from rvm.platform.api.rows.serializers import ModelRowSerializer, OptionalTextField
from rvm.spreadsheets.columns.kinds import UNCLEAR
from rvm.spreadsheets.columns.questions import Question
from rvm.spreadsheets.columns.reading import Sureness, Why
from rvm.spreadsheets.dialect import DELIMITERS, ENCODINGS
from rvm.spreadsheets.preview import MAX_COLUMNS

LIST_FORMATS = ["csv", "xlsx"]
# The common fields of the responses, in order. Each kind of list inserts its own fields between these groups.
FILE = ("file_name", "size_bytes", "sha256", "state", "error")
READ_AS = ("format", "encoding", "delimiter", "header_row", "sheet", "hidden_rows", "sheets", "columns")
PROGRESS = ("rows_read", "rows_imported", "counts")
TIMES = ("created_at", "updated_at", "file_removed_at")


class ListReading(StrictSerializer):
    format = serializers.ChoiceField(LIST_FORMATS, required=False)
    encoding = serializers.ChoiceField(list(ENCODINGS), required=False)
    delimiter = serializers.ChoiceField(list(DELIMITERS), required=False, help_text="One character.")
    header_row = WholeNumberField(
        required=False,
        min_value=0,
        max_value=MAX_HEADER_ROW,
        help_text="The number of the row that names the columns, as in a spreadsheet program; 0 if there is none. Rows above it are "
        "not read.",
    )
    sheet = TextField(
        required=False, max_length=100, help_text="The sheet of a workbook that is read: a name of `sheets`."
    )


class ListFileField(serializers.FileField):
    def __init__(self) -> None:
        super().__init__(
            allow_empty_file=True, help_text="CSV (any usual encoding and delimiter) or XLSX, at most 100 MB."
        )


def columns_field(kinds: str, *, repeated: Iterable[str]) -> serializers.ListField:
    """The field for the kind of each column. `kinds` is a text that lists the allowed values; `repeated` are the kinds that several
    columns may have."""
    help_text = (
        f"What each column is, from the left: {kinds} {', '.join(repeated)} may occur several times. `{UNCLEAR}` is a "
        "column whose kind a user must set before the list is checked."
    )
    child = TextField(allow_blank=True, max_length=64)
    return serializers.ListField(required=False, child=child, max_length=MAX_COLUMNS, help_text=help_text)


class SheetSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    visibility = serializers.ChoiceField(["visible", "hidden", "very_hidden"])
    has_rows = serializers.BooleanField()


class UploadedListSerializer(ModelRowSerializer[Any]):
    beside = frozenset({"reading", "warnings", "first_errors", "sample"})
    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(help_text=help_of(UploadedList, "sha256"))
    error = OptionalTextField(help_text=help_of(UploadedList, "error"))
    format = serializers.CharField()
    encoding = OptionalTextField()
    delimiter = OptionalTextField()
    header_row = serializers.IntegerField(help_text="The number of the row that names the columns; 0 if there is none.")
    sheet = OptionalTextField(help_text=help_of(UploadedList, "sheet"))
    hidden_rows = serializers.BooleanField(help_text="Whether rows that the workbook hides or crosses out are read.")
    sheets = SheetSerializer(many=True, help_text="The sheets of a workbook, in the order of their tabs.")
    columns = serializers.ListField(
        child=OptionalTextField(),
        help_text="The kind of each column; null if it is not read, `unclear` if a user must set it before the check.",
    )
    rows_read = serializers.IntegerField()
    rows_imported = serializers.IntegerField(help_text="Rows that are done.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    file_removed_at = serializers.DateTimeField(
        allow_null=True, help_text="The file is kept for a day, or as long as the workspace says."
    )


class QuestionField(OptionalTextField):
    """The message of a Question from `context["question_texts"]`, which differ by kind of list; null if nothing is asked."""

    def to_representation(self, question: str) -> Any:
        texts: Mapping[Question, str] = self.context["question_texts"]
        return texts[Question(question)] if question else None


class ColumnSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(help_text="From 0.")
    kind = OptionalTextField(help_text="As in `columns`.")
    sure = serializers.ChoiceField([sureness.value for sureness in Sureness])
    why = serializers.ChoiceField(
        [why.value for why in Why],
        help_text="What the kind follows from: the column's name, its cells, both, its place (if another column fits as well), or a "
        "user.",
    )
    question = QuestionField(
        help_text="What a user must answer about the column before the list is checked; null if nothing is asked.",
    )


class ListSampleSerializer(serializers.Serializer[Any]):
    titles = serializers.ListField(
        child=serializers.ListField(child=OptionalTextField()),
        help_text="The rows above the row that names the columns, which are not read.",
    )
    header = serializers.ListField(child=OptionalTextField())
    rows = serializers.ListField(
        child=serializers.ListField(child=OptionalTextField()), help_text="Null stands for an empty cell."
    )


class ListPreviewSerializer(serializers.Serializer[Any]):
    reading = ColumnSerializer(
        source="sample.reading",
        many=True,
        allow_null=True,
        help_text="The kind of each column, and what it follows from. Null if `sample` is null.",
    )
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Sentences to read before confirming.")
