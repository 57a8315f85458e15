"""Twilio's own client as the witness of signatures: what it accepts we accept, and what it rejects we reject.

SignalWire's package wraps an old version of the same validator for forms, and pins it and an old aiohttp, so it cannot be installed
beside them; Twilio's stands for both.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from delivery.carriers.base import CallbackRejected
from tests.delivery.carriers.callback_security import came
from tests.delivery.carriers.twiml.vendors import VENDORS, Vendor

pytestmark = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)

NAMES = st.text(min_size=1, max_size=12).filter(lambda text: "\0" not in text)
FORMS = st.dictionaries(NAMES, st.lists(st.text(max_size=12), min_size=1, max_size=3), max_size=6)
HOSTS = st.builds(
    "{}://rvm.example{}".format, st.sampled_from(["http", "https"]), st.sampled_from(["", ":80", ":443", ":8443"])
)
QUERIES = st.dictionaries(
    st.sampled_from(["step", "began", "seconds", "x"]), st.text(max_size=8), min_size=1, max_size=4
)
URLS = st.builds(lambda host, query: f"{host}/carriers/a/1/b/?{urlencode(query)}", HOSTS, QUERIES)


class Form(dict[str, list[str]]):
    """A form with repeated fields, as web frameworks have them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def accepts(vendor: Vendor, url: str, raw: bytes, signature: str) -> bool:
    try:
        return vendor.carrier.verify(came(raw, {vendor.header: signature}, url=url))
    except CallbackRejected:
        return False


@given(url=URLS, form=FORMS)
def test_what_the_witness_signs_is_accepted(vendor: Vendor, url: str, form: dict[str, list[str]]) -> None:
    signature = RequestValidator(vendor.key).compute_signature(url, Form(form))
    assert accepts(vendor, url, urlencode(form, doseq=True).encode(), signature)


@given(url=URLS, signed=URLS, form=FORMS, other=FORMS)
def test_both_agree_about_what_was_signed_for_another_request(
    vendor: Vendor, url: str, signed: str, form: dict[str, list[str]], other: dict[str, list[str]]
) -> None:
    witness = RequestValidator(vendor.key)
    signature = witness.compute_signature(signed, Form(other))
    ours = accepts(vendor, url, urlencode(form, doseq=True).encode(), signature)
    assert ours == witness.validate(url, Form(form), signature)


@given(url=URLS, form=FORMS, at=st.integers(0, 27), digit=st.sampled_from("Aa0+/="))
def test_a_changed_signature_is_accepted_by_neither(
    vendor: Vendor, url: str, form: dict[str, list[str]], at: int, digit: str
) -> None:
    witness = RequestValidator(vendor.key)
    genuine = witness.compute_signature(url, Form(form))
    changed = genuine[:at] + digit + genuine[at + 1 :]
    ours = accepts(vendor, url, urlencode(form, doseq=True).encode(), changed)
    assert ours == witness.validate(url, Form(form), changed) == (changed == genuine)


@given(url=URLS, body=st.text(max_size=40), sent=st.text(max_size=40))
def test_both_agree_about_bodies_that_are_signed_by_their_hash(vendor: Vendor, url: str, body: str, sent: str) -> None:
    witness = RequestValidator(vendor.key)
    signed = f"{url}&bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    signature = witness.compute_signature(signed, {})
    for raw in (body, sent):
        assert accepts(vendor, signed, raw.encode(), signature) == witness.validate(signed, raw, signature)
