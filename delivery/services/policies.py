"""The policy of a use case or a lane, as the guards see it before a launch and in answers to questions."""

from __future__ import annotations

from delivery.carriers import CARRIERS
from delivery.engine.lane_routes import JOINING_SQL
from delivery.models import Lane
from delivery.services.voicemails import is_simulated
from rvm.platform.database import sql
from rvm.platform.models import Workspace
from usecases.effective_settings import effective_hours
from usecases.eligibility import LanePolicy
from usecases.models import TelephonySetup, UseCase
from usecases.rules_in_force import Law
from usecases.windows import USUAL_DELAY

_IS_JOINING = f"SELECT {JOINING_SQL} FROM platform_workspace w WHERE w.id = %s"  # noqa: S608 - of constants


def policy_of(
    use_case: UseCase,
    setup: TelephonySetup,
    *,
    lane: Lane | None = None,
    stopped: bool = False,
    owned: bool = True,
    agreed: bool = True,
    draining: bool = False,
    carrier_gone: bool = False,
    refuses_ringing: bool = False,
    rehearsal: bool = False,
    law: Law,
) -> LanePolicy:
    """The policy under which a lane's voicemails go through the setup; without a lane, those of the API.

    `stopped`: whether a kill switch is on; `owned`, `agreed`, `draining`, `carrier_gone`, `refuses_ringing`: as in `Facts`. A preview
    and a claim leave these out. `rehearsal`: a simulated setup is treated as one that reaches people, with the usual delay and all
    statements made."""
    simulated, carrier = is_simulated(setup), CARRIERS.get(setup.carrier)
    early = carrier.max_delivery_delay if carrier else USUAL_DELAY
    if simulated and rehearsal:
        simulated, agreed, owned, early = False, True, True, max(early, USUAL_DELAY)
    if lane:
        hours = effective_hours(lane, use_case, freezes=law.freezes, closes_early=early, rules=law.rules)
    else:
        hours = use_case.hours(law.freezes, early, law.rules)
    return LanePolicy(
        simulated,
        use_case.deleted_at is not None,
        hours,
        stopped,
        agreed,
        owned,
        use_case.caps,
        needs_consent=use_case.needed_consent is not None,
        draining=draining,
        carrier_gone=carrier_gone,
        refuses_ringing=refuses_ringing,
    )


def is_joining(workspace: Workspace) -> bool:
    """Whether the workspace waits because it, or another one, has just joined its organisation: suppressions of the organisation are
    yet to be copied to it, or recent drops of another to be counted."""
    [(joining,)] = sql.run(_IS_JOINING, [workspace.pk])
    return bool(joining)
