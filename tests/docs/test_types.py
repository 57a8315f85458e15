"""Types are not passed over where a typed value would do."""

from __future__ import annotations

from tests.docs.pages import PROJECT, tracked_files

MAX_UNTYPED_ATTRIBUTES = 8
_PASSED_OVER = "type: ignore[attr" + "-defined]"


def test_few_attributes_are_used_that_their_type_lacks() -> None:
    product = [
        path for path in tracked_files() if path.suffix == ".py" and "tests" not in path.relative_to(PROJECT).parts
    ]
    found = [path for path in product for line in path.read_text().splitlines() if _PASSED_OVER in line]
    assert len(product) > 500
    assert len(found) <= MAX_UNTYPED_ATTRIBUTES, found
