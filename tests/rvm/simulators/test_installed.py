"""An installed package adds the simulator of its carrier, and takes none of our names."""

from __future__ import annotations

from pathlib import Path

import pytest

from rvm.simulators.vendors import drop_cowboy, names, simulator_class

SIMULATOR = """
from rvm.simulators.vendors.drop_cowboy import Simulator as DropCowboy

class Simulator(DropCowboy):
    name = "{0}"
"""


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "simulated_pigeon-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: simulated-pigeon\nVersion: 1.0\n")
    lines = [f"{name} = simulated_pigeon:Simulator" for name in ("pigeon", "drop_cowboy")]
    (metadata / "entry_points.txt").write_text("\n".join(["[rvm.simulators]", *lines]))
    (tmp_path / "simulated_pigeon.py").write_text(SIMULATOR.format("pigeon"))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("_installed")
def test_it_is_listed_and_found_by_its_name() -> None:
    assert {"drop_cowboy", "pigeon"} <= set(names())
    assert simulator_class("pigeon").name == "pigeon"
    assert simulator_class("drop_cowboy") is drop_cowboy.Simulator


def test_without_it_there_is_none() -> None:
    assert "pigeon" not in names()
    with pytest.raises(ValueError, match=r"no simulator 'pigeon'; there are: .*drop_cowboy"):
        simulator_class("pigeon")
