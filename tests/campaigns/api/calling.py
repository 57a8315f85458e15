"""What the tests of this API make, send and read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.imports import service as imports
from campaigns.lifecycle import service as campaigns
from campaigns.models import Campaign, RecipientImport
from delivery.models import Recording
from tests.factories import Api
from usecases.models import UseCase

LIST = b"Mobile,First name,Reference\r\n2025550142,Rosa,a-1\r\n2025550143,Zo\xc3\xab,a-2\r\n12,Tom,a-3\r\n2025550142,Rosa,a-4\r\n"


def make_campaign(use_case: UseCase, recording: Recording | None = None, **fields: Any) -> Campaign:
    return campaigns.create(
        **{
            "workspace": use_case.workspace,
            "use_case": use_case,
            "live": True,
            "name": "Flu shots",
            "actor": None,
            "recording": recording,
            **fields,
        }
    )


def upload(
    api: Api,
    campaign: Campaign,
    content: bytes = LIST,
    name: str = "patients.csv",
    said: Mapping[str, Any] | None = None,
    **headers: str,
) -> Any:
    """`said` are further fields of the form."""
    file = SimpleUploadedFile(name, content, "text/csv")
    return api.client.post(api.url(f"campaigns/{campaign.pk}/imports"), {"file": file, **(said or {})}, headers=headers)


def refusal(response: Any, status: int) -> str:
    """The code of a problem with this status."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    return str(response.json()["code"])


def wrong(response: Any) -> list[tuple[str, str]]:
    """The wrong fields, as (pointer, code)."""
    assert refusal(response, 422) == "invalid_request"
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


def upload_directly(campaign: Campaign, content: bytes = LIST, name: str = "patients.csv") -> RecipientImport:
    """By the service that the API calls."""
    return imports.upload(campaign=campaign, file_name=name, chunks=[content], actor=None, now=datetime.now(UTC))
