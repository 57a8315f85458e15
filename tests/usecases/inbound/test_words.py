"""What is heard as an opt-out: the words of the rule in any dress and company, keys, and nothing that is no such thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usecases.inbound.words import PER_SE, opts_out, presses_out


def test_the_words_of_the_rule_are_all_there() -> None:
    assert PER_SE == ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")


@pytest.mark.parametrize("word", PER_SE)
@pytest.mark.parametrize(
    "shape", ["{}", "{}.", " {}!! ", "“{}”", "please {} now", "{} {}", "({})", "ok,{}", "{}\n-- \nSent from my phone"]
)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title, str.swapcase])
def test_a_word_of_the_rule_is_a_no_in_any_case_punctuation_and_company(word: str, shape: str, case: object) -> None:
    assert callable(case)
    assert opts_out(shape.replace("{}", case(word)))


@given(st.sampled_from(PER_SE), st.text(max_size=40), st.text(max_size=40))
def test_whatever_stands_around_a_word_of_the_rule_it_is_a_no(word: str, before: str, after: str) -> None:
    assert opts_out(f"{before} {word} {after}")


@pytest.mark.parametrize(
    "text",
    [
        "STOPP", "stoooop", "S.T.O.P", "S T O P", "Opt-Out", "OPTOUT", "opt  out", "opt_out", "ｓｔｏｐ", "stop\u200b", "STOPALL",
        "Stop calling me",
        "dont stop", "do not call me again", "Don't leave me voicemails", "remove me", "take me off your list", "wrong number",
        "no more", "leave me alone", "ALTO", "Paren de llamar", "ya no me llamen", "BAJA", "no más", "cancele", "I revoke my consent",
        "🚫",
    ],
)  # fmt: skip
def test_other_words_of_people_are_heard_too(text: str) -> None:
    assert opts_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "?",
        "START",
        "yes",
        "Who is this?",
        "thanks",
        "call me at 5",
        "9",
        "sotp",
        "weekend",
        "pretend",
        "sí, gracias",
    ],
)
def test_what_says_no_such_thing_is_not_understood(text: str) -> None:
    assert not opts_out(text)


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    opts_out(text)


@pytest.mark.parametrize(
    ("pressed", "keys", "out"),
    [("9", ["9"], True), (" 9# ", ["9"], True), ("9*", ["9"], True), ("*9", ["*9"], True), ("#", ["#"], True),
     ("22", ["9", "22"], True),
     ("99", ["9"], False), ("1", ["9"], False), ("", ["9"], False), ("9", [], False), ("#", ["9"], False)],
)  # fmt: skip
def test_the_keys_of_the_organisation_are_a_no(pressed: str, keys: list[str], out: bool) -> None:
    assert presses_out(pressed, keys) is out
