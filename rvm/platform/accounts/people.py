"""Which account a person means by what was typed as a name."""

from __future__ import annotations

from django.db.models import Q

from rvm.platform.models import User


def person_named(name: str) -> User | None:
    """The person's account with this username, else the only one with this e-mail address, in any case; no service users."""
    found = list(User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name), is_service=False)[:3])
    by_name = [user for user in found if user.username.casefold() == name.casefold()]
    candidates = [user for user in by_name if user.username == name] or by_name or found
    return candidates[0] if len(candidates) == 1 else None
