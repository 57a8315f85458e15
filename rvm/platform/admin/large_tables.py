"""Change lists of tables that grow without limit: newest first, read from an index, never counted."""

from __future__ import annotations

from typing import Any, ClassVar

from unfold.paginator import InfinitePaginator

from rvm.platform.admin.scoping import ScopedModelAdmin


class RecordAdmin(ScopedModelAdmin):
    """The admin of a table that the platform writes; read-only."""

    paginator: Any = InfinitePaginator
    show_full_result_count = False
    # Any other order would sort the whole table.
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    sortable_by: ClassVar[tuple[str, ...]] = ()
    fixed_fields: ClassVar[tuple[str, ...]] = ()
