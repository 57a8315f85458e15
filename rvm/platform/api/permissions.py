"""What a key may do: its own workspace only, and there only what its scopes name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import Http404
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from rvm.platform.api import problem_codes as codes
from rvm.platform.api.problems import Problem
from rvm.platform.models import ApiKey
from rvm.platform.scopes import Scope


class WorkspaceScope(BasePermission):
    """Another workspace answers 404, so that nobody learns which exist; a missing scope answers 403 and is named.

    The view declares `required_scopes`: by HTTP method (`GET` stands for `HEAD` too), or by action in a view set.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        if str(view.kwargs.get("workspace_id")) != str(key.workspace_id):
            raise Http404
        operation = operation_of(view, request)
        if not hasattr(view, operation.lower()):
            return True  # DRF answers 405
        scope = required_scope(view, operation)
        require_scope(key, scope)
        return True


def require_scope(key: ApiKey, scope: Scope) -> None:
    """Raises Problem."""
    if scope not in key.scopes:
        raise Problem(codes.MISSING_SCOPE, f"This API key lacks the scope {scope.value}.")


def operation_of(view: Any, request: Request) -> str:
    """The name under which the view declares the scope of this request."""
    return getattr(view, "action", None) or ("GET" if request.method == "HEAD" else str(request.method))


def required_scope(view: Any, operation: str) -> Scope:
    """A view that declares none for one of its operations is a bug, and is closed rather than open."""
    scopes: Mapping[str, Scope] = getattr(view, "required_scopes", {})
    if operation not in scopes:
        raise ImproperlyConfigured(f"{type(view).__name__} declares no scope for {operation}")
    return scopes[operation]
