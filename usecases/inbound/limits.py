"""Limits of the public pages, by the client's address and in all, so that nobody opts out strangers by the thousand.

Without Redis requests are not counted: a person who wants no more voicemails is heard all the same.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from rvm.platform.api.rate_limit import Policy, RateLimitStatus, count
from rvm.platform.client_address import client_address
from rvm.platform.encryption.crypto import blind_index

HOUR = 3600
# A clinic or a household shares an address.
BY_ADDRESS = Policy("opt-out-address", 20, HOUR)
OF_ORGANISATION = Policy("opt-out-organisation", 600, HOUR)
IN_ALL = Policy("opt-out-all", 6000, HOUR)

_NOBODY = UUID(int=0)


def exceeded(request: HttpRequest, organisation_id: UUID) -> RateLimitStatus | None:
    """Count the request under each limit, and return the status of one that it exceeds."""
    # Hashed with a key: Redis holds no address of a person.
    address = blind_index().of(_NOBODY, client_address(request)).hex()
    for policy, name in ((BY_ADDRESS, address), (OF_ORGANISATION, str(organisation_id)), (IN_ALL, "all")):
        status = count(name, policy)
        if status is not None and status.exceeded:
            return status
    return None
