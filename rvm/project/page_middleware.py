"""The middlewares of sessions, people and messages, which requests of the API pass by.

What is asked there is asked by a key: no session is read and none begins. What protects every response passes by nothing.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from rvm.platform.accounts import sessions

API = "/v1/"


class _OfPages(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if request.path.startswith(API) else super().__call__(request)


class SessionMiddleware(_OfPages, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(_OfPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_OfPages, messages.MessageMiddleware):
    pass
