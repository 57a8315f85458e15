"""Carriers are found by the name that a setup stores; installed packages add theirs, and a faulty one stops no other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from delivery.carriers import CARRIERS, GROUP, UnknownCarrierError, carrier_class, with_installed
from delivery.carriers.sandbox import Sandbox
from tests.delivery.carriers.contract import Contract

OURS = {"sandbox": Sandbox}
ADAPTER = """
from delivery.carriers.sandbox import Sandbox

class Pigeon(Sandbox):
    name = "pigeon"
    label = "Pigeon Post"
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs packages into a directory on the path: a module, and the entry points of its metadata."""
    modules: list[str] = []

    def install(package: str, source: str, **entry_points: str) -> None:
        module = package.replace("-", "_")
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {module}:{attribute}" for name, attribute in entry_points.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
        invalidate_caches()

    monkeypatch.syspath_prepend(tmp_path)
    yield install
    for module in modules:
        sys.modules.pop(module, None)


def found(directory: Path) -> list[EntryPoint]:
    return [point for each in distributions(path=[str(directory)]) for point in each.entry_points.select(group=GROUP)]


def test_the_sandbox_is_found_by_its_name():
    assert carrier_class("sandbox") is Sandbox


def test_an_unknown_name_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownCarrierError, match=r"no carrier 'pigeon'; there are: .*sandbox"):
        carrier_class("pigeon")


@pytest.mark.parametrize("name", CARRIERS)
def test_a_carrier_is_registered_under_its_own_name_and_asks_for_credentials_by_label(name: str):
    carrier = CARRIERS[name]
    assert carrier.name == name
    assert carrier.label
    assert all(field.name.isidentifier() and field.label for field in carrier.credential_fields)


def test_an_installed_package_adds_its_carrier(install: Install, tmp_path: Path) -> None:
    install("rvm-carrier-pigeon", ADAPTER, pigeon="Pigeon")
    carriers, not_used = with_installed(OURS, found(tmp_path))
    assert [*carriers] == ["sandbox", "pigeon"]
    assert (carriers["pigeon"].label, not_used) == ("Pigeon Post", [])


NO_ADAPTER = "class Pigeon: name = 'pigeon'"
NOT_IMPORTED = "from somewhere_else import Pigeon"
LACKING = """
from delivery.carriers.base import Carrier

class Pigeon(Carrier):
    name = "pigeon"
"""


@pytest.mark.parametrize(
    ("source", "attribute", "why"),
    [
        (NOT_IMPORTED, "Pigeon", "rvm_carrier_pigeon:Pigeon cannot be imported (ModuleNotFoundError)."),
        ("def broken(", "Pigeon", "rvm_carrier_pigeon:Pigeon cannot be imported (SyntaxError)."),
        ("raise SystemExit(1)", "Pigeon", "rvm_carrier_pigeon:Pigeon cannot be imported (SystemExit)."),
        (ADAPTER, "Dove", "rvm_carrier_pigeon:Dove cannot be imported (AttributeError)."),
        (NO_ADAPTER, "Pigeon", "rvm_carrier_pigeon:Pigeon is no subclass of Carrier."),
        (ADAPTER + "pigeon = Pigeon", "__name__", "rvm_carrier_pigeon:__name__ is no subclass of Carrier."),
        (ADAPTER, "Sandbox", "rvm_carrier_pigeon:Sandbox has another name."),
        (LACKING, "Pigeon", "rvm_carrier_pigeon:Pigeon lacks parse, read_submission, submit_request, verify."),
        (
            ADAPTER + "    label = ''",
            "Pigeon",
            "rvm_carrier_pigeon:Pigeon has no label, or no tuple of credential_fields.",
        ),
        (
            ADAPTER + "    credential_fields = ('key',)",
            "Pigeon",
            "rvm_carrier_pigeon:Pigeon has a field in credential_fields that is no Credential, or whose name is no identifier.",
        ),
        (
            "from delivery.carriers.base import Credential"
            + ADAPTER
            + "    credential_fields = (Credential('a b', 'A'),)",
            "Pigeon",
            "rvm_carrier_pigeon:Pigeon has a field in credential_fields that is no Credential, or whose name is no identifier.",
        ),
        (
            ADAPTER + "    credential_fields = ()",
            "Pigeon",
            "rvm_carrier_pigeon:Pigeon has no credential base_url, so no setup of it could be simulated.",
        ),
    ],
)
def test_a_faulty_package_is_left_out_and_named(
    install: Install, tmp_path: Path, source: str, attribute: str, why: str
) -> None:
    install("rvm-carrier-pigeon", source, pigeon=attribute)
    install("rvm-carrier-dove", ADAPTER.replace("pigeon", "dove"), dove="Pigeon")
    carriers, not_used = with_installed(OURS, found(tmp_path))
    assert [*carriers] == ["sandbox", "dove"]
    assert not_used == [f"The carrier pigeon of the package rvm-carrier-pigeon is not used: {why}"]


@pytest.mark.parametrize("name", ["Pigeon", "carrier-pigeon", "1st", "p" * 41])
def test_a_name_that_no_setup_could_store_is_refused(install: Install, tmp_path: Path, name: str) -> None:
    install("rvm-carrier-pigeon", ADAPTER.replace('"pigeon"', repr(name)), **{name: "Pigeon"})
    carriers, [why] = with_installed(OURS, found(tmp_path))
    assert [*carriers] == ["sandbox"]
    assert why.endswith("is not used: a carrier's name has up to 40 small letters, digits and underscores.")


def test_a_package_takes_none_of_our_names(install: Install, tmp_path: Path) -> None:
    install("rvm-carrier-pigeon", ADAPTER.replace('"pigeon"', '"sandbox"'), sandbox="Pigeon")
    carriers, [why] = with_installed(OURS, found(tmp_path))
    assert carriers == OURS
    assert why.endswith("is not used: RVM has a carrier of this name.")


def test_of_two_packages_with_the_same_name_for_a_carrier_neither_gets_its_credentials(
    install: Install, tmp_path: Path
) -> None:
    install("rvm-carrier-pigeon", ADAPTER, pigeon="Pigeon")
    install("a-carrier-pigeon", ADAPTER, pigeon="Pigeon")
    carriers, not_used = with_installed(OURS, found(tmp_path))
    assert carriers == OURS
    assert [sentence.partition(" is not used: ")[0] for sentence in not_used] == [
        "The carrier pigeon of the package a-carrier-pigeon",
        "The carrier pigeon of the package rvm-carrier-pigeon",
    ]
    assert "remove all but one" in not_used[0]


def test_packages_without_carriers_are_not_imported(install: Install, tmp_path: Path) -> None:
    install("something-else", "raise SystemExit('imported')")
    assert with_installed(OURS, found(tmp_path)) == (OURS, [])


@pytest.mark.parametrize("name", CARRIERS)
def test_every_carrier_has_a_contract(name: str):
    tests = vars(import_module(f"tests.delivery.carriers.test_{name}")).values()
    contracts = [
        each for each in tests if isinstance(each, type) and issubclass(each, Contract) and each is not Contract
    ]
    assert name in {contract.name for contract in contracts}
