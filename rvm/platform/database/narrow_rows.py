"""Rows of a list with the columns that it shows, in a third of the time that Django takes for them by `only` and `select_related`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connections
from django.db.models import Model
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler

from rvm.platform.observability.representation import hides

Row = TypeVar("Row", bound=Model)

# The ids are found first, and once: without an estimate of how many they are, the planner might walk the table for them.
_AMONG = '{columns} WHERE "{table}"."id" = ANY(ARRAY({ids})) ORDER BY "{table}"."id" DESC'


@hides("parameters")
class Sql(NamedTuple):
    """A text of SQL and its parameters, by position or by name."""

    text: str
    parameters: Sequence[Any] | Mapping[str, Any]


class NarrowRows(Generic[Row]):
    """Rows with these columns of their own, by their attributes' names, and with those of the rows that their foreign keys name.

    What a row is asked for beside them is read then, as of a row of `only`. Rows share the related ones, of which a list has few, and
    columns are set without `Model.__init__`, which takes most of a list's time. The ORM writes the statement once per process.
    """

    def __init__(self, model: type[Row], columns: Sequence[str], related: Mapping[str, Sequence[str]]) -> None:
        self._model, self._columns, self._related = model, columns, related
        self._keys: dict[str, Any] = {name: model._meta.get_field(name) for name in related}

    def newest(self, ids: Sql) -> list[Row]:
        """The rows whose ids the statement finds, newest first."""
        table = self._model._meta.db_table
        with connections[self._database].cursor() as cursor:
            cursor.execute(_AMONG.format(columns=self._text, table=table, ids=ids.text), ids.parameters)
            found = cursor.fetchall()
        return self._rows(self._compiler.apply_converters(found, self._converters))

    @cached_property
    def _database(self) -> str:
        return self._model._default_manager.db

    @cached_property
    def _compiler(self) -> SQLCompiler:
        names = [f"{name}__{column}" for name, others in self._related.items() for column in others]
        query = self._model._default_manager.order_by().values_list(*self._columns, *names)
        return query.query.get_compiler(self._database)

    @cached_property
    def _text(self) -> str:
        return self._compiler.as_sql()[0]

    @cached_property
    def _converters(self) -> dict[int, Any]:
        return self._compiler.get_converters([column[0] for column in self._compiler.select])

    def _rows(self, found: Iterable[Sequence[Any]]) -> list[Row]:
        shared: dict[tuple[str, Any], Model] = {}
        rows = []
        for values in found:
            row = row_of(self._model, self._database, self._columns, values)
            place = len(self._columns)
            for name, columns in self._related.items():
                key = self._keys[name]
                pk = row.__dict__[key.attname]
                if (other := shared.get((name, pk))) is None:
                    model = key.related_model
                    own = [pk, *values[place : place + len(columns)]]
                    other = shared[name, pk] = row_of(model, self._database, [model._meta.pk.attname, *columns], own)
                row._state.fields_cache[name] = other
                place += len(columns)
            rows.append(row)
        return rows


def row_of(model: Any, database: str, columns: Sequence[str], values: Sequence[Any]) -> Any:
    """A row with these values in these columns, which `Model.from_db` would return after several times as long. Django's signals of
    new instances are not sent."""
    row = model.__new__(model)
    row._state = ModelState()
    row._state.db, row._state.adding = database, False
    row.__dict__.update(zip(columns, values, strict=False))
    return row
