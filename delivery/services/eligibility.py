"""Answers to the questions whether a person may be reached under a use case, now or at another time, and why a voicemail waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from delivery.carriers import CARRIERS
from delivery.engine.lane_routes import LANES_WITH_SETUPS
from delivery.engine.recent_drops import reached
from delivery.kept_decisions import DEFERRED_SQL
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Voicemail
from delivery.services.policies import is_joining, policy_of
from delivery.services.screening import checked_number
from delivery.services.voicemails import is_simulated, setups_of
from rvm.phone_numbers.places import places_of
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.sending_hold.service import is_held
from usecases.consents.standing import consents_for
from usecases.eligibility import DeferReason, Explanation, explain
from usecases.models import TelephonySetup, UseCase
from usecases.rules_in_force import law_in_force
from usecases.selectors import first_setup, has_sender, rings_sql, sender_stated
from usecases.suppressions import suppressed_for

# Clocks and laws further away are not known well enough.
MAX_DISTANCE = timedelta(days=366)


def explanation(
    *, use_case: UseCase, number: str, live: bool, at: datetime | None, now: datetime, rehearsal: bool = False
) -> Explanation:
    """What would become of a voicemail to the E.164 number that is due at `at`, by default now, and what each guard says. In a
    `rehearsal` a simulated setup is treated as one that reaches people.

    Only the number says where the person may be. The suppression list, consents, recent drops, switches, freezes, senders and
    statements are those of now. Raises ServiceError for a number that cannot be reached, a time more than a year away, and a
    workspace without a sandbox setup.
    """
    [found] = explanations([use_case], number, live=live, at=at, now=now, rehearsal=rehearsal)
    if isinstance(found, ServiceError):
        raise found
    return found


def explanations(
    use_cases: Sequence[UseCase],
    number: str,
    *,
    live: bool,
    at: datetime | None = None,
    now: datetime,
    rehearsal: bool = False,
) -> list[Explanation | ServiceError]:
    """The explanation for each of the use cases, which are of one workspace, or why the number cannot be reached under it. The facts
    are read for all of them at once. Raises ServiceError as `explanation`, but for a number that cannot be reached."""
    if at is not None and abs(at - now) > MAX_DISTANCE:
        raise ServiceError("too_late", f"`at` is more than {MAX_DISTANCE.days} days away from now.", field="at")
    if not use_cases:
        return []
    workspace, moment = use_cases[0].workspace, at or now
    # Tests go through the workspace's sandbox setup, whatever the use case.
    setups = (
        [first_setup(each, True) for each in use_cases] if live else [first_setup(use_cases[0], False)] * len(use_cases)
    )
    law, held = law_in_force(moment), is_held() or is_joining(workspace)
    person = (blind_index().of(workspace.pk, number), number)
    consents = consents_for(workspace.pk, person, [each.needed_consent for each in use_cases])
    suppressed = suppressed_for(workspace.pk, number, use_cases)
    recent, places = reached(workspace.organisation_id, number, now), places_of(number)
    found: list[Explanation | ServiceError] = []
    for use_case, setup, consent, listed in zip(use_cases, setups, consents, suppressed, strict=True):
        checked = checked_number(workspace, number, sandbox=not live or is_simulated(*setups_of(use_case)))
        if isinstance(checked, ServiceError):
            found.append(checked)
            continue
        policy = policy_of(
            use_case,
            setup,
            stopped=held or _stopped(use_case, setup),
            agreed=setup.agreed,
            owned=sender_stated(use_case, setup),
            draining=setup.draining,
            carrier_gone=setup.carrier not in CARRIERS,
            refuses_ringing=live and use_case.refuses_ringing_of(setup),
            rehearsal=rehearsal,
            law=law,
        )
        facts = policy.facts(
            places,
            suppressed=listed,
            has_sender=has_sender(use_case),
            expires_at=None,
            reached=() if policy.simulated else recent,
            consent=consent,
        )
        found.append(explain(facts, moment))
    return found


# What guards have deferred, and why the setup of each due voicemail of a lane that is not held sends nothing new. One statement, by
# hand, because the ORM takes as long for the ids of a page as the rest of the page.
_WAITING = f"""
{DEFERRED_SQL} UNION ALL
SELECT v.id, CASE WHEN s.carrier <> ALL(%s::text[]) THEN '{DeferReason.CARRIER_GONE}'
                  WHEN l.live AND {rings_sql()} AND NOT u.allows_ringing THEN '{DeferReason.RINGING_NOT_ALLOWED}'
                  WHEN s.draining THEN '{DeferReason.SETUP_DRAINING}' END, NULL
{LANES_WITH_SETUPS}
  JOIN delivery_voicemail v ON v.lane_id = l.id AND v.failover = via.failover
 WHERE v.id = ANY(%s::uuid[]) AND v.status = 'queued' AND v.not_before <= now() AND NOT l.held
"""


def waiting_for(voicemails: Sequence[Voicemail]) -> dict[UUID, str]:
    """Why voicemails wait: the reason of the guard that deferred one until its `not_before`, else why its setup sends nothing new."""
    queued = {row.pk: row.not_before for row in voicemails if row.status == VoicemailStatus.QUEUED}
    ids = sql.ids(queued)
    found = sql.run(_WAITING, [ids, sql.texts(sorted(CARRIERS)), ids]) if queued else []
    of_setups = {voicemail_id: reason for voicemail_id, reason, until in found if until is None and reason}
    # A voicemail that waits for something else by now, such as a retry, waits until another time.
    return of_setups | {voicemail_id: reason for voicemail_id, reason, until in found if until == queued[voicemail_id]}


def _stopped(use_case: UseCase, setup: TelephonySetup) -> bool:
    usable = setup.enabled and setup.deleted_at is None
    switches = use_case.workspace.sending_enabled and use_case.sending_enabled and use_case.marketing_allowed
    return not (switches and usable)
