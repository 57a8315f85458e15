"""The pages of the documentation as the tests read them: which there are, their tables, and what stands in backquotes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from rvm.project import settings

PROJECT = Path(settings.BASE_DIR)
DOCS = PROJECT / "docs"
OF_FOLDERS = [PROJECT / "deploy" / "README.md", *(PROJECT / "clients").glob("*/README.md")]
PAGES = sorted([*PROJECT.glob("*.md"), *OF_FOLDERS, *DOCS.rglob("*.md")])
CODE = ("rvm", "usecases", "delivery", "campaigns")

WORD = re.compile(r"`([^`]+)`")


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def tables(path: Path, header: str) -> Iterator[list[list[str]]]:
    """The rows under each header line that begins with `| header |`, as cells."""
    lines = path.read_text().splitlines()
    for start, line in enumerate(lines):
        if line.startswith(f"| {header} |"):
            rows = []
            for row in lines[start + 2 :]:
                if not row.startswith("|"):
                    break
                rows.append([cell.strip() for cell in row.strip()[1:-1].split("|")])
            yield rows


def table(path: Path, header: str) -> list[list[str]]:
    """The rows of the first such table."""
    rows = next(tables(path, header), None)
    assert rows is not None, f"{name_of(path)} has no table that begins with | {header} |"
    return rows


def words(rows: list[list[str]], column: int = 0) -> list[str]:
    """What stands in backquotes in a column."""
    return [word for row in rows for word in WORD.findall(row[column])]


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := PROJECT / name).is_file()]


def modules() -> Iterator[Path]:
    """The modules of the packages, without migrations."""
    return (path for layer in CODE for path in (PROJECT / layer).rglob("*.py") if "migrations" not in path.parts)
