"""A workspace, a key that may do everything, and a client that calls with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from rvm.platform.api.keys import create_api_key
from rvm.platform.models import ApiKey, Workspace
from rvm.platform.scopes import Scope
from tests.factories import make_workspace


@dataclass
class Caller:
    """Speaks to the sample API as one key."""

    key: ApiKey
    plaintext: str

    @property
    def workspace(self) -> Workspace:
        return self.key.workspace

    def url(self, path: str) -> str:
        return f"/v1/{self.workspace.id}/{path}"

    def client(self) -> Client:
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {self.plaintext}"})

    def get(self, path: str, **options: Any) -> Any:
        return self.client().get(self.url(path), **options)

    def post(self, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Any:
        return self.client().post(self.url(path), body, content_type, headers=headers)


def make_caller(*scopes: Scope, workspace: Workspace | None = None, **fields: Any) -> Caller:
    key, plaintext = create_api_key(workspace or make_workspace(), "Test", scopes or list(Scope), **fields)
    return Caller(key, plaintext)


@pytest.fixture
def caller(db: None) -> Caller:
    return make_caller()
