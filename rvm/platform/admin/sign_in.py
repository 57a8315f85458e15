"""The admin's way in and out: the pages of allauth, whose tables are no pages of the admin."""

from __future__ import annotations

from allauth.account import admin as account_admin
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.account.views import logout
from allauth.mfa import admin as mfa_admin
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as socialaccount_admin
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin

# Importing allauth's own pages registers them, and an import happens once.
_REGISTERING = (account_admin, mfa_admin, socialaccount_admin)
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)

# One way out, which may lead on to the identity provider's.
admin.site.logout = logout  # type: ignore[method-assign]
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
