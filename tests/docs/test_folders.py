"""Folders stay small enough to be seen at a glance, and the documentation names every one of them."""

from __future__ import annotations

from collections import Counter

from tests.docs.pages import CODE, DOCS, PROJECT, name_of, tables, tracked_files, words

MAX_MODULES = 14
OF_ROOMS = (*CODE, "rvm/platform")


def rooms() -> set[str]:
    """The packages directly in a layer, in `rvm` and in the platform, without the history of their tables."""
    return {
        name_of(marker.parent)
        for package in OF_ROOMS
        for marker in (PROJECT / package).glob("*/__init__.py")
        if marker.parent.name != "migrations"
    }


def test_no_folder_has_more_modules_than_can_be_seen_at_a_glance() -> None:
    folders = Counter(
        name_of(path.parent)
        for path in tracked_files()
        if path.suffix == ".py" and path.name not in ("__init__.py", "conftest.py") and path.parent.name != "migrations"
    )
    assert folders["delivery/engine"] > 1
    assert {folder: count for folder, count in folders.items() if count > MAX_MODULES} == {}


def test_the_listing_of_folders_is_that_of_the_folders_that_exist() -> None:
    listed = [row for rows in tables(DOCS / "contribute" / "README.md", "folder") for row in rows]
    top = {path.relative_to(PROJECT).parts[0] for path in tracked_files() if path.parent != PROJECT}
    assert sorted(words(listed)) == sorted(set(words(listed)))
    assert {row[0].strip("`") for row in listed} == rooms() | top
    assert [row for row in listed if not row[1]] == []
