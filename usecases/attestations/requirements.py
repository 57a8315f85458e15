"""What live sending under a use case needs to be stated before voicemails are queued or a campaign is launched.

The claim looks at the same facts again (`AGREED_SQL`, `sender_usable_sql`); what is queued already waits there until it is stated.
"""

from __future__ import annotations

from rvm.platform.errors import ServiceError
from usecases.attestations.agreements import missing_agreement
from usecases.attestations.ownership import NOT_OWNED
from usecases.models import TelephonySetup, UseCase
from usecases.selectors import first_setup, sender_stated


def missing_statement(use_case: UseCase, setup: TelephonySetup) -> ServiceError | None:
    """The first statement that sending through the setup lacks, as a refusal; None if nothing is missing."""
    if message := missing_agreement(setup):
        return ServiceError("agreement_missing", message, field="use_case_id", setup_id=setup.pk)
    if setup.live and not sender_stated(use_case, setup):
        return ServiceError("number_not_owned", NOT_OWNED, field="use_case_id", setup_id=setup.pk)
    return None


def require_statements(use_case: UseCase, live: bool) -> None:
    """Check that nothing is missing for the setup of the first attempt. Raises ServiceError. Tests need no statement."""
    if refusal := missing_statement(use_case, first_setup(use_case, live)):
        raise refusal
