"""The documentation's examples are what the API really takes and gives."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.api import examples
from campaigns.api.serializers.campaigns import (
    CampaignChanges,
    CampaignRetrySerializer,
    CampaignSerializer,
    LaunchApprovalSerializer,
    NewCampaign,
    RetryFailed,
)
from campaigns.api.serializers.imports import (
    ImportConfirmation,
    ImportReading,
    RecipientImportDetailSerializer,
    RecipientImportSerializer,
)
from campaigns.api.serializers.people import PeopleSearch, PersonPageSerializer
from campaigns.api.serializers.stats import CampaignPreviewSerializer, CampaignProgressSerializer
from campaigns.api.serializers.withdrawals import WithdrawalList, WithdrawalSerializer
from rvm.platform.api.lists import page_of


@pytest.mark.parametrize(
    ("example", "serializer"),
    [
        (examples.NEW_CAMPAIGN, NewCampaign),
        (examples.NEW_CAMPAIGN_BY_NAMES, NewCampaign),
        (examples.SLOWER, CampaignChanges),
        (examples.RETRY_FAILED, RetryFailed),
        (examples.READ_AS, ImportReading),
        (examples.CONFIRM, ImportConfirmation),
        (examples.WITHDRAW, WithdrawalList),
        (examples.FIND_PERSON, PeopleSearch),
        (examples.FIND_NAME, PeopleSearch),
    ],
)
def test_an_example_of_a_request_is_taken(example: Any, serializer: Any) -> None:
    request = serializer(data=example.value, partial=serializer is CampaignChanges)
    assert request.is_valid(), request.errors
    assert set(example.value) <= set(request.validated_data)


@pytest.mark.parametrize(
    ("example", "serializer"),
    [
        *((example, CampaignSerializer) for example in (examples.DRAFT, examples.DRAFT_AGAIN, examples.RUNNING)),
        *((example, CampaignSerializer) for example in (examples.PAUSED, examples.CANCELED)),
        (examples.CAMPAIGNS, page_of(CampaignSerializer)),
        *((example, CampaignRetrySerializer) for example in (examples.RETRIED, examples.RETRYING)),
        (examples.RETRY_STOPPED, CampaignRetrySerializer),
        *((example, LaunchApprovalSerializer) for example in (examples.APPROVAL, examples.APPROVAL_WITHDRAWN)),
        (examples.PREVIEW, CampaignPreviewSerializer),
        (examples.STATS, CampaignProgressSerializer),
        (examples.UPLOADED, RecipientImportDetailSerializer),
        (examples.CHECKED, RecipientImportDetailSerializer),
        (examples.CHECKING, RecipientImportSerializer),
        (examples.IMPORTING, RecipientImportSerializer),
        (examples.PEOPLE, PersonPageSerializer),
        (examples.WITHDRAWAL, WithdrawalSerializer),
        (examples.WITHDRAWN, WithdrawalSerializer),
    ],
)
def test_an_example_of_an_answer_has_every_field_and_no_other(example: Any, serializer: Any) -> None:
    assert list(example.value) == list(serializer().fields)
    answer = serializer(data=example.value)
    assert answer.is_valid(), answer.errors


def test_the_figures_of_the_preview_add_up() -> None:
    told: Any = examples.PREVIEW.value
    later = sum(entry["count"] for entry in told["later"])
    assert told["now"] + later + sum(told["skipped"].values()) + told["expiring"] == told["total"]
