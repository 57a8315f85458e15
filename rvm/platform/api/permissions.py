"""Permissions of an API key: its own workspace only, and there only its scopes."""

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
    """A permission that responds to another workspace with 404, which hides whether it exists, and to a missing scope with 403.

    The view declares `required_scopes` by HTTP method (`GET` includes `HEAD`), or by action in a view set.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        if str(view.kwargs.get("workspace_id")) != str(key.workspace_id):
            raise Http404
        if request.method == "OPTIONS" or not has_handler(view, request):
            return True  # the view tells its methods, or DRF responds with 405, which tells them too
        operation = operation_of(view, request)
        scope = required_scope(view, operation)
        require_scope(key, scope)
        return True


class AnyKey(BasePermission):
    """The permission of every key, for addresses that name no workspace: they tell a key about itself."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, ApiKey)


def has_handler(view: Any, request: Request) -> bool:
    """Whether the view answers the request's method otherwise than by 405."""
    method = str(request.method).lower()
    return method in view.http_method_names and hasattr(view, method)


def require_scope(key: ApiKey, scope: Scope, message: str = "") -> None:
    """Raises Problem if the key lacks the scope, with `message` or one that names the scope."""
    if scope not in key.scopes:
        raise Problem(codes.MISSING_SCOPE, message or f"This API key lacks the scope {scope.value}.")


def operation_of(view: Any, request: Request) -> str:
    """The key of this request in the view's `required_scopes`: an action or an HTTP method."""
    return getattr(view, "action", None) or ("GET" if request.method == "HEAD" else str(request.method))


def required_scope(view: Any, operation: str) -> Scope:
    """The scope that the view declares for an operation.

    Raises ImproperlyConfigured without one, so that a view with this bug refuses requests instead of permitting them.
    """
    scopes: Mapping[str, Scope] = getattr(view, "required_scopes", {})
    if operation not in scopes:
        raise ImproperlyConfigured(f"{type(view).__name__} declares no scope for {operation}")
    return scopes[operation]
