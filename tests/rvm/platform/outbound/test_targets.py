"""Addresses as they are written: what is no plain https address of a host with a name is refused before anything is looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.errors import ServiceError
from rvm.platform.outbound.targets import MAX_LENGTH, read_target

REFUSED = [
    ("http://files.example.org/a.mp3", "must begin with https://"),
    ("ftp://files.example.org/a.mp3", "must begin with https://"),
    ("file:///etc/passwd", "must begin with https://"),
    ("gopher://files.example.org/_x", "must begin with https://"),
    ("//files.example.org/a.mp3", "must begin with https://"),
    ("files.example.org/a.mp3", "must begin with https://"),
    ("https://user@files.example.org/a.mp3", "user name or a password"),
    ("https://user:secret@files.example.org/", "user name or a password"),
    ("https://files.example.org@10.0.0.1/", "user name or a password"),
    ("https://files.example.org:22/a.mp3", "only 443 and 8443"),
    ("https://files.example.org:80/a.mp3", "only 443 and 8443"),
    ("https://files.example.org:0/a.mp3", "only 443 and 8443"),
    ("https://files.example.org:70000/", "malformed"),
    ("https://files.example.org:x/", "malformed"),
    ("https://[::1/", "malformed"),
    ("https://", "name its host in full"),
    ("https:///a.mp3", "name its host in full"),
    ("https://localhost/", "name its host in full"),
    ("https://database/", "name its host in full"),
    ("https://127.0.0.1/", "name its host in full"),
    ("https://10.0.0.1/", "name its host in full"),
    ("https://169.254.169.254/latest/meta-data/", "name its host in full"),
    ("https://8.8.8.8/", "name its host in full"),
    ("https://2130706433/", "name its host in full"),
    ("https://0x7f000001/", "name its host in full"),
    ("https://0x7f.0.0.1/", "name its host in full"),
    ("https://127.1/", "name its host in full"),
    ("https://0177.0.0.1/", "name its host in full"),
    ("https://files.example.0x7f/", "name its host in full"),
    ("https://[::1]/", "name its host in full"),
    ("https://[::ffff:10.0.0.1]/", "name its host in full"),
    ("https://files%2eexample.org/", "name its host in full"),
    ("https://files..example.org/", "name its host in full"),
    ("https://-files.example.org/", "name its host in full"),
    ("https://fïles.example.org/a.mp3", "xn--"),
    ("https://files.example.org/a b.mp3", "percent-encoded"),
    ("https://files.example.org\\@10.0.0.1/", "backslash"),
    ("https://files.example.org/\r\nHost: 10.0.0.1", "percent-encoded"),
    ("https://files.example.org/\x00", "percent-encoded"),
    ("", "empty"),
    ("https://files.example.org/" + "a" * MAX_LENGTH, "at most 2,048 characters"),
    ("https://api.rvm.example/v1/", "this installation itself"),
    ("https://API.rvm.example./v1/", "this installation itself"),
]


@pytest.mark.parametrize(("url", "said"), REFUSED)
@pytest.mark.parametrize("loopback", [True, False])
def test_an_address_that_is_not_plain_https_to_a_named_host_is_refused_with_the_reason(
    url: str, said: str, loopback: bool
) -> None:
    if loopback and url in ("https://localhost/", "https://127.0.0.1/", "https://[::1]/"):
        return
    with pytest.raises(ServiceError) as refused:
        read_target(url, loopback=loopback, is_own=lambda host: host == "api.rvm.example")
    assert (refused.value.code, refused.value.field) == ("url_refused", "url")
    assert said in refused.value.message
    assert "10.0.0.1" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://files.example.org/a.mp3", "https://files.example.org/a.mp3"),
        ("HTTPS://Files.Example.org", "https://files.example.org/"),
        ("https://files.example.org:8443/a.mp3?sig=1&x=%20#part", "https://files.example.org:8443/a.mp3?sig=1&x=%20"),
        ("https://files.example.org:443/", "https://files.example.org:443/"),
        ("https://xn--fles-1ta.example.org/a.mp3", "https://xn--fles-1ta.example.org/a.mp3"),
    ],
)
def test_a_plain_address_is_asked_for_without_its_fragment(url: str, asked: str) -> None:
    target = read_target(url)
    assert target.url == asked
    assert not target.local


@pytest.mark.parametrize("url", ["http://127.0.0.1:8123/a.mp3", "https://localhost/a.mp3", "http://[::1]:80/a.mp3"])
def test_this_machine_is_named_in_development_only(url: str) -> None:
    assert read_target(url, loopback=True).local
    with pytest.raises(ServiceError):
        read_target(url)


def test_an_address_is_not_in_the_representation_of_its_target() -> None:
    assert "secret" not in repr(read_target("https://files.example.org/secret?token=secret"))


@given(st.text(max_size=60), st.booleans())
def test_whatever_is_written_is_a_target_or_a_refusal(text: str, loopback: bool) -> None:
    try:
        target = read_target(f"https://{text}", loopback=loopback)
    except ServiceError as refused:
        assert refused.code == "url_refused"
    else:
        assert target.local or target.url.startswith(f"https://{target.host}")
