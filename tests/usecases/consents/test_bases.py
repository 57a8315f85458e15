"""On which basis messages for a purpose may rest."""

from __future__ import annotations

import pytest

from usecases.consents.bases import EXEMPTED, Basis, Purpose, wrong_basis


def test_the_eight_purposes_of_the_exemption_are_those_of_the_law() -> None:
    assert sorted(EXEMPTED) == [
        "appointment", "home_healthcare", "post_discharge", "pre_operative", "pre_registration", "prescription", "test_result",
        "wellness",
    ]  # fmt: skip


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("charging", [[], ["Paid line"]])
def test_a_purpose_rests_on_the_exemption_only_if_it_is_one_of_the_eight_and_free(
    purpose: Purpose, charging: list[str]
) -> None:
    wrong = wrong_basis(purpose, Basis.HEALTHCARE_EXEMPTION, charging=charging)
    assert (wrong is None) == (purpose in EXEMPTED and not charging)
    assert wrong is None or (wrong.field, wrong.message[-1]) == ("basis", ".")


@pytest.mark.parametrize("basis", [Basis.EXPRESS_CONSENT, Basis.WRITTEN_CONSENT])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_consent_is_a_basis_for_every_purpose_and_for_marketing_in_writing(purpose: Purpose, basis: Basis) -> None:
    wrong = wrong_basis(purpose, basis, charging=["Paid line"])
    assert (wrong is None) == (purpose is not Purpose.MARKETING or basis is Basis.WRITTEN_CONSENT)


def test_every_setup_that_charges_is_named() -> None:
    wrong = wrong_basis("wellness", "healthcare_exemption", charging=["One", "Two"])
    assert wrong is not None
    assert "“One” and “Two”" in wrong.message
