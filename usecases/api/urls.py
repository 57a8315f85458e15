"""URL patterns of this layer under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import usecases.api.examples  # noqa: F401  # gives the serializers their examples
from usecases.api import consents, phone_numbers, suppressions, use_cases

urlpatterns = [
    path("use-cases", use_cases.UseCaseListView.as_view(), name="use-cases"),
    path("use-cases/<uuid:use_case_id>", use_cases.UseCaseView.as_view(), name="use-case"),
    path("suppressions", suppressions.SuppressionsView.as_view(), name="suppressions"),
    path("suppressions/<uuid:suppression_id>", suppressions.SuppressionView.as_view(), name="suppression"),
    path(
        "suppressions/<uuid:suppression_id>/lift", suppressions.SuppressionLiftView.as_view(), name="suppression-lift"
    ),
    path("consents", consents.ConsentsView.as_view(), name="consents"),
    path("consents/<uuid:consent_id>", consents.ConsentView.as_view(), name="consent"),
    path("consents/<uuid:consent_id>/revoke", consents.RevocationView.as_view(), name="consent-revoke"),
    path("phone-numbers", phone_numbers.PhoneNumberListView.as_view(), name="phone-numbers"),
    path("phone-numbers/<uuid:phone_number_id>", phone_numbers.PhoneNumberView.as_view(), name="phone-number"),
    path(
        "phone-numbers/<uuid:phone_number_id>/use-cases/<uuid:use_case_id>",
        phone_numbers.AssignmentView.as_view(),
        name="assignment",
    ),
]
