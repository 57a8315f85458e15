"""Links to choose a password without e-mail: of a new account, or for a person who cannot get a message."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str

from rvm.platform import audit
from rvm.platform.models import User


def make_password_link(user: User, *, actor: User) -> str:
    """Valid once, for as long as a link by e-mail. Whoever has it has the account but for the second factor."""
    audit.record("user.password_link_made", user, actor=actor, workspace=None, name=user.get_username())
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    link: str = get_adapter().get_reset_password_from_key_url(key)
    return link
