"""The addresses of the way to the identity provider and back; allauth includes them."""

from __future__ import annotations

from django.urls import path

from rvm.platform.accounts.single_sign_on import views

urlpatterns = [
    path("oidc/<str:provider_id>/login/", views.leave, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", views.arrive, name="openid_connect_callback"),
]
