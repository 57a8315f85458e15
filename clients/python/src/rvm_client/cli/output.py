"""What the command prints: results on standard output, remarks and progress on standard error."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

# Seconds after which people ask themselves what is going on.
LONG_PAUSE = 5.0


class Bar:
    """A progress bar, or nothing where there is no terminal."""

    def __init__(self, progress: Progress | None, task: TaskID | None) -> None:
        self._progress = progress
        self._task = task

    def show(self, completed: int, total: int | None = None, text: str | None = None) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=completed, total=total, description=text)


class _Pauses(logging.Handler):
    def __init__(self, remark: Callable[[str], None]) -> None:
        super().__init__()
        self._remark = remark

    def emit(self, record: logging.LogRecord) -> None:
        seconds, failure = getattr(record, "seconds", 0.0), getattr(record, "failure", None)
        if seconds >= LONG_PAUSE:
            first = str(failure).partition(". ")[0].rstrip(".")
            self._remark(f"{first}. It is asked again in {seconds:.0f} seconds.")


class Output:
    """`as_json` makes each result one line with one JSON object, and leaves out remarks and progress."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._remarks = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    def result(self, row: Mapping[str, Any], text: str) -> None:
        """A result: the row as JSON, or the text for people."""
        sys.stdout.write((json.dumps(row, ensure_ascii=False, separators=(",", ":")) if self.as_json else text) + "\n")
        sys.stdout.flush()

    def table(self, row: Mapping[str, Any], title: str, lines: list[tuple[str, str]]) -> None:
        """A result with several parts: the row as JSON, or a table of names and values."""
        if self.as_json:
            self.result(row, "")
            return
        table = Table(title=title, title_justify="left", show_header=False)
        for name, value in lines:
            table.add_row(name, value)
        Console(highlight=False, markup=False).print(table)

    def remark(self, text: str) -> None:
        if not self.as_json:
            self._remarks.print(text)

    def warning(self, text: str) -> None:
        """A remark that is there with JSON, too."""
        self._remarks.print(text)

    @contextmanager
    def pauses(self) -> Iterator[None]:
        """Tell of longer pauses before a request is repeated, so that nobody waits without knowing for what."""
        logger, handler = logging.getLogger("rvm_client"), _Pauses(self.remark)
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            logger.setLevel(level)
            logger.removeHandler(handler)

    @contextmanager
    def bar(self, text: str, total: int | None) -> Iterator[Bar]:
        if self.as_json or not self._remarks.is_terminal:
            yield Bar(None, None)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._remarks, transient=True) as progress:
            yield Bar(progress, progress.add_task(text, total=total))
