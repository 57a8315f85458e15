"""Queries of the ORM that are compiled once per process, for the look-ups that nearly every request makes, and insertions of one row.

The ORM takes several times as long to write such a statement as PostgreSQL to answer it. Only the statement is kept, and PostgreSQL's
plan of it: rows are read anew each time.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from django.db import connections, router
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.expressions import DatabaseDefault
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

from rvm.platform.database import narrow_rows, sql

Arguments = ParamSpec("Arguments")
Row = TypeVar("Row", bound=Model)


class _Place:
    """What stands for an argument in the query that is compiled."""


class _Rows:
    """What stands for a model where Django populates a related row, so that it is made as the row itself is."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model

    def from_db(self, database: str, names: Sequence[str], values: Sequence[Any]) -> Any:
        return narrow_rows.row_of(self._model, database, names, values)


def _set_columns_only(populators: Sequence[Any]) -> None:
    for populator in populators:
        populator.model_cls = _Rows(populator.model_cls)
        _set_columns_only(populator.related_populators)


class _Statement:
    """A compiled query, and what turns the columns of its result into rows, as the ORM does for each query anew."""

    def __init__(self, query: QuerySet[Any], places: Sequence[_Place]) -> None:
        self._database = query.db
        compiler: SQLCompiler = query.query.get_compiler(query.db)
        self._sql, parameters = compiler.as_sql()
        self._fixed: list[Any] = list(parameters)
        self._places = [(position, places.index(each)) for position, each in enumerate(self._fixed) if each in places]
        fields = [column[0] for column in compiler.select]
        self._converters = compiler.get_converters(fields)
        self._compiler = compiler
        own = compiler.klass_info["select_fields"]
        self._columns = slice(own[0], own[-1] + 1)
        self._names = [field.target.attname for field in fields[self._columns]]
        self._related = get_related_populators(compiler.klass_info, compiler.select, query.db)  # type: ignore[call-arg]  # of a later Django
        _set_columns_only(self._related)

    def rows(self, arguments: Sequence[Any]) -> list[Any]:
        parameters = self._fixed.copy()
        for position, place in self._places:
            parameters[position] = arguments[place]
        model = self._compiler.klass_info["model"]
        found = []
        for columns in self._compiler.apply_converters(sql.run(self._sql, parameters), self._converters):
            row = narrow_rows.row_of(model, self._database, self._names, columns[self._columns])
            for related in self._related:
                related.populate(columns, row)
            for name, position in self._compiler.annotation_col_map.items():
                setattr(row, name, columns[position])
            found.append(row)
        return found


def prepared(build: Callable[Arguments, QuerySet[Row]]) -> Callable[Arguments, list[Row]]:
    """Decorate a function from values to a query that compares columns with them, and does nothing else with them; it is called once.

    The decorated function returns the rows for these values, which are bound as they are."""
    names = list(inspect.signature(build).parameters)

    @functools.cache
    def statement() -> _Statement:
        places = [_Place() for _ in names]
        return _Statement(build(*map(Value, places)), places)  # type: ignore[arg-type,call-arg]

    @functools.wraps(build)
    def rows(*arguments: Arguments.args, **_: Arguments.kwargs) -> list[Row]:
        return statement().rows(arguments)

    return rows


def set_prefetched(row: Model, name: str, query: QuerySet[Row], related: list[Row]) -> None:
    """Keep with the row what `prefetch_related(name)` would have read: `related`, the rows of `query`, to which filters of the row's
    manager are added."""
    query._result_cache, query._prefetch_done = related, True  # type: ignore[attr-defined]
    vars(row).setdefault("_prefetched_objects_cache", {})[name] = query


@functools.cache
def _insertion(model: type[Model], defaults: frozenset[str]) -> tuple[str, list[Field[Any, Any]]]:
    """The statement for a new row that gets the columns of `defaults` from the database, and the fields of the others in order."""
    fields = [field for field in model._meta.concrete_fields if field.attname not in defaults]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    returned = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if field.attname in defaults)
    values = ", ".join("%s" for _ in fields)
    text = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({values})'  # noqa: S608 - names of columns  # nosec B608
    return (f"{text} RETURNING {returned}" if returned else text), fields


def insert(row: Model) -> None:
    """Insert a new row, which has its id, as `save(force_insert=True)` does, but without signals."""
    model, connection = type(row), connections[router.db_for_write(type(row), instance=row)]
    defaults = frozenset(name for name, value in vars(row).items() if isinstance(value, DatabaseDefault))
    text, fields = _insertion(model, defaults)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        if defaults:
            names = [field.attname for field in model._meta.concrete_fields if field.attname in defaults]
            vars(row).update(zip(names, cursor.fetchone(), strict=True))
    row._state.adding, row._state.db = False, connection.alias
