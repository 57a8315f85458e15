"""The bench of access runs to its end on a few requests; what it measures is for `make bench-access`."""

from __future__ import annotations

import pytest

from bench import access


@pytest.mark.timeout(300)
def test_it_compares_this_code_with_another_checkout() -> None:
    told: list[str] = []
    figures = access.run(access.QUICK, told.append, baseline=access.HERE)
    assert [line.split("  ")[0] for line in told] == ["this code", "baseline"]
    assert all(figures[f"{kind}_ms"] > 0 < figures[f"{kind}_baseline_ms"] for kind in ("send", *access.PAGES))


def test_a_cost_is_the_median_over_pairs_of_runs() -> None:
    ours = [{"list": 11.0, "overview": 10.0}, {"list": 12.0, "overview": 10.0}, {"list": 90.0, "overview": 10.0}]
    theirs = [{"list": 10.0, "overview": 10.0}] * 3
    assert access.cost(ours, theirs, ("list",)) == pytest.approx(0.2)
    assert access.cost(ours, theirs, ("list", "overview")) == pytest.approx(0.1)
