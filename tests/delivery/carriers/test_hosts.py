"""A setup names no host but those that the deployment opened to simulated carriers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.carriers import CARRIERS
from delivery.carriers.hosts import check_address
from tests.delivery.carriers.examples import EXAMPLES

VENDOR = "https://listed.vendor.example"


@pytest.fixture(autouse=True)
def opened(settings: Any) -> None:
    settings.RVM_SANDBOX_HOSTS = ["127.0.0.1:8800", "sandbox", "::1", "listed.vendor.example"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8800",
        "http://127.0.0.1:8800/",
        "https://sandbox",
        "http://SANDBOX:9000/base",
        "http://[::1]:8800",
    ],
)
def test_a_listed_host_is_taken(url: str) -> None:
    check_address(url, "The carrier's", published=VENDOR)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:6379",
        "http://127.0.0.1",
        "http://127.1:8800",
        "http://2130706433:8800",
        "http://0x7f.0.0.1:8800",
        "http://127.0.0.1.:8800",
        "http://127.0.0.2:8800",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]:8800",
        "http://[fe80::1]",
        "http://[::1",
        "http://sandbox@10.0.0.1",
        "http://10.0.0.1\\@sandbox",
        "http://sandbox\\.evil.example",
        "http://sandbox.evil.example",
        "http://sandbox:port",
        "http://sandbox:99999",
        "http://sandbox?x=",
        "http://sandbox#x",
        "http://api.vendor.example",
        "https://api.vendor.example/v2",
        "https://API.vendor.example:443",
        "https://listed.vendor.example",
        "ftp://sandbox",
        "file:///etc/passwd",
        "//sandbox",
        "sandbox",
        "",
    ],
)
def test_any_other_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^The carrier's address ") as refused:
        check_address(url, "The carrier's", published=VENDOR)
    assert len(url) < 8 or url not in str(refused.value)


@given(st.text(alphabet=st.sampled_from("/\\@:?#[]. sandboxevil127.0:8800"), max_size=40))
def test_what_is_taken_begins_with_a_listed_host(rest: str) -> None:
    try:
        check_address(f"http://{rest}", "The carrier's")
    except ValueError:
        return
    authority = rest.partition("/")[0].lower()
    assert authority == "127.0.0.1:8800" or authority.partition(":")[0] == "sandbox" or authority.startswith("[::1]")


@pytest.mark.parametrize("name", CARRIERS)
def test_every_carrier_with_an_address_among_its_credentials_checks_it(name: str) -> None:
    carrier = CARRIERS[name]
    assert any(field.name == "base_url" for field in carrier.credential_fields)
    credentials = EXAMPLES[name]
    with pytest.raises(ValueError, match="RVM_SANDBOX_HOSTS"):
        carrier({**credentials, "base_url": "http://10.0.0.1:80"})
