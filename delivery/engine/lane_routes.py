"""Lane routes: the setup, credentials, senders, hours and switches by which a lane's voicemails are sent.

They are read twice: all lanes with work at the start of a turn, and the route of one lane inside the transaction that claims from it.
So a user's change applies to every claim and every resubmission that begins after its commit, and a failover to a standby to every
one that begins in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cached_property
from uuid import UUID

from delivery.carriers import carrier_class
from delivery.carriers.base import Carrier
from delivery.engine import canaries
from delivery.runtime.watermarks import Watermark
from rvm.platform.database import sql
from rvm.platform.encryption.fields import EncryptedJSONField, EncryptedTextField
from rvm.platform.sending_hold.identity import HELD_SQL
from usecases.attestations.ownership import sender_usable_sql
from usecases.callbacks.proofs import CallbackKey
from usecases.caps import UNCAPPED, Caps
from usecases.consents.bases import NeededConsent, needed_consent
from usecases.effective_settings import effective_days, effective_sql, hours_allowed
from usecases.eligibility import LanePolicy
from usecases.freezes import FREEZES_SQL, freezes_in
from usecases.models import AGREED_SQL, USABLE_SQL, CallbackSecret, TelephonySetup
from usecases.rules_in_force import NEWEST_LOADED_SQL, in_force
from usecases.selectors import can_send_sql, may_ring_sql

# Position of a voicemail in its lane: when it is due, and its id.
LanePosition = tuple[datetime, UUID]
LanePositions = dict[tuple[UUID, bool], LanePosition]
MAX_POSITIONS = 1000  # lanes of which a process remembers the first due voicemail
_CREDENTIALS: EncryptedJSONField = TelephonySetup._meta.get_field("credentials")
_CALLBACK_KEY: EncryptedTextField = CallbackSecret._meta.get_field("key")


class UnusableSetup(Exception):
    """A setup whose carrier is unknown to this installation, or whose credentials cannot be decrypted or read."""

    def __init__(self, setup_id: UUID, cause: str) -> None:
        super().__init__(f"Telephony setup {setup_id} cannot be used: {cause}")
        self.setup_id, self.cause = setup_id, cause


@dataclass(frozen=True, slots=True)
class ActiveRoute:
    """An open lane with due voicemails and its setup: the facts that the rate limiter needs to permit starts.

    `probing`: the setup's breaker is half open, so one drop may probe it. `due` counts from `first` up to the caller's limit.
    """

    lane_id: UUID
    failover: bool
    workspace_id: UUID
    setup_id: UUID
    priority: int
    lane_pace: float | None
    pace: float
    in_flight_cap: int
    probing: bool
    use_case_deleted: bool
    due: int
    first_not_before: datetime
    first_id: UUID

    @property
    def first(self) -> LanePosition:
        return self.first_not_before, self.first_id


@dataclass(frozen=True)
class SendRoute:
    """Settings by which a lane's voicemails are sent through one setup, read in one statement, so `credentials_version` matches
    `credentials`, and `callback_version` matches `callback_secret`."""

    lane_id: UUID
    failover: bool
    setup_id: UUID
    probing: bool
    use_case_deleted: bool
    workspace_id: UUID
    organisation_id: UUID
    live: bool
    purpose: str
    basis: str
    consent_required: str
    consent_valid_days: int | None
    to_confidential: bool
    has_failover: bool
    carrier: str
    simulated: bool
    credentials: bytes = field(repr=False)
    credentials_version: int
    callback_secret_id: UUID
    callback_version: int
    callback_secret: bytes = field(repr=False)
    window_start: time
    window_end: time
    lane_days: list[int] | None
    days: list[int]
    sends_on_holidays: bool
    state_overlay: bool
    max_per_day: int | None
    max_per_24h: int | None
    max_per_week: int | None
    freezes: list[str]
    loaded_rules: str | None
    expires_at: datetime | None
    recording_id: UUID | None
    canary: bool
    attestation_by_another: bool
    senders: list[str]

    @property
    def in_canary(self) -> bool:
        """Whether who is claimed takes a place among the first people of the lane."""
        return self.canary and not self.failover

    @property
    def members_only(self) -> bool:
        """Whether only the first people of the lane are claimed, who were tried through the first setup."""
        return self.canary and self.failover

    @property
    def needs_statements(self) -> bool:
        """Whether people hear what is sent, so that somebody has to state what it says."""
        return not self.simulated

    @cached_property
    def adapter(self) -> Carrier:
        """The setup's carrier, bound to its credentials. Raises UnusableSetup."""
        try:
            return carrier_class(self.carrier)(_CREDENTIALS.decrypt(self.credentials, self.workspace_id, self.setup_id))
        except (LookupError, ValueError) as error:
            raise UnusableSetup(self.setup_id, type(error).__name__) from error

    @cached_property
    def callback_key(self) -> CallbackKey:
        """The current version of the setup's callback secret. Raises UnusableSetup."""
        try:
            key = _CALLBACK_KEY.decrypt(self.callback_secret, self.setup_id, self.callback_secret_id)
            return CallbackKey(self.setup_id, self.callback_version, bytes.fromhex(key))
        except ValueError as error:
            raise UnusableSetup(self.setup_id, type(error).__name__) from error

    @cached_property
    def policy(self) -> LanePolicy:
        """Facts of the guards common to all voicemails of the route. Raises UnusableSetup."""
        hours = hours_allowed(
            (self.window_start, self.window_end),
            effective_days(self.lane_days, self.days),
            holidays=self.sends_on_holidays,
            state_overlay=self.state_overlay,
            freezes=freezes_in(tuple(self.freezes)),
            closes_early=self.adapter.max_delivery_delay,
            rules=in_force(self.loaded_rules),
        )
        caps = Caps(self.max_per_day, self.max_per_24h, self.max_per_week) if self.capped else UNCAPPED
        return LanePolicy(
            self.adapter.simulated,
            self.use_case_deleted,
            hours,
            caps=caps,
            needs_consent=self.needed_consent is not None,
        )

    @property
    def capped(self) -> bool:
        """Whether its drops count for caps, and are bound by them: they are live, and its carrier reaches people. Raises
        UnusableSetup."""
        return self.live and not self.adapter.simulated

    @property
    def needed_consent(self) -> NeededConsent | None:
        """The recorded consent that each recipient needs; None if the use case needs none."""
        return needed_consent(self.consent_required, self.purpose, self.basis, self.consent_valid_days)


# The setup of a side of a lane, and the other one of a use case `u` that has two.
_OWN_SETUP = "CASE WHEN via.failover THEN u.failover_setup_id ELSE u.setup_id END"
_OTHER_SETUP = "CASE WHEN via.failover THEN u.setup_id ELSE u.failover_setup_id END"
# The other setup, if only that one can send: in place of a first setup that drains, or of a failover setup that cannot send for
# whatever reason. `usecases.selectors` has the same rules for rows: `first_setup` and `failover_setup`.
_RELIEF = f"""
  CASE WHEN CASE WHEN via.failover THEN NOT {can_send_sql("u.failover_setup_id")}
                 ELSE (SELECT draining FROM usecases_telephonysetup WHERE id = u.setup_id) END
        AND {can_send_sql(_OTHER_SETUP)} THEN {_OTHER_SETUP} END
"""  # noqa: S608 - of constants


def _lanes_with_setups(setup_of_two: str) -> str:
    """The two sides of lanes, each with its setup.

    A test lane uses the workspace's oldest simulated setup that is not deleted. A live lane uses its use case's setup, or the
    failover setup for voicemails marked so; of two setups, `setup_of_two` is it.
    """
    return f"""
  FROM delivery_lane l
 CROSS JOIN (VALUES (false), (true)) AS via(failover)
  JOIN usecases_usecase u ON u.id = l.use_case_id
  JOIN platform_workspace w ON w.id = l.workspace_id
  JOIN usecases_telephonysetup s ON s.id = CASE
         WHEN NOT l.live THEN (SELECT id FROM usecases_telephonysetup WHERE workspace_id = l.workspace_id AND simulated
                                  AND deleted_at IS NULL ORDER BY id LIMIT 1)
         WHEN u.failover_setup_id IS NULL THEN u.setup_id ELSE {setup_of_two} END
"""  # noqa: S608 - of constants


# Lanes behind a hold, an open breaker or a kill switch, through a setup that drains, or without a statement that their setup or their
# senders need, are left out of the looks below: their voicemails stay queued and their rows are not touched, however many they are.
LANES_WITH_SETUPS = _lanes_with_setups(f"coalesce({_RELIEF}, {_OWN_SETUP})")
# For a workspace `w`: whether suppressions of its organisation are yet to be copied to it, or recent drops to be counted.
JOINING_SQL = """(
  EXISTS (SELECT FROM usecases_suppressioncopying WHERE target_id = w.id)
  OR EXISTS (SELECT FROM delivery_droprecount r JOIN platform_workspace m ON m.id = r.workspace_id
              WHERE m.organisation_id = w.organisation_id))"""
# The setup whose numbers are the senders: in a test lane, the use case's own.
_NUMBERS_OF = "CASE WHEN l.live THEN s.id ELSE u.setup_id END"
# This is the database from which RVM sent last. No hold of all sending or of the lane, no open breaker, no kill switch, no statement
# about setup or senders missing, an active sender unless there is none at all, no ringing that the use case does not allow, and
# nothing of the organisation missing that was known before a workspace joined. A deleted use case passes the switches, so that its
# voicemails are skipped.
_MAY_SEND_NOW = f"""
       NOT {HELD_SQL}
   AND NOT l.held AND (s.breaker_until IS NULL OR s.breaker_until <= %s)
   AND (u.deleted_at IS NOT NULL OR w.sending_enabled AND u.sending_enabled AND s.enabled AND s.deleted_at IS NULL
        AND (w.marketing_enabled OR u.purpose <> 'marketing')
        AND {AGREED_SQL} AND {sender_usable_sql(_NUMBERS_OF)} AND (NOT l.live OR {may_ring_sql()})
        AND NOT {JOINING_SQL})
"""
_TAKES_NEW = "(u.deleted_at IS NOT NULL OR NOT s.draining)"
# Open lanes with due voicemails: how many, and the first one.
# The inner ORDER BYs keep the planner on the indexes of due rows and of open lanes: without them, stale statistics can make it read
# the whole table. The array makes the planner expect few lanes, whatever its statistics say. Each look into a lane begins at the
# remembered position, before which nothing is due.
_FIND_ACTIVE_ROUTES = f"""
SELECT l.id, via.failover, l.workspace_id, s.id, l.priority, l.pace_per_second, s.pace_per_second, s.in_flight_cap,
       s.breaker_until IS NOT NULL, u.deleted_at IS NOT NULL, {canaries.MAY_CLAIM_SQL}, first.not_before, first.id
{LANES_WITH_SETUPS}
  LEFT JOIN unnest(%s::uuid[], %s::bool[], %s::timestamptz[], %s::uuid[]) AS reached(lane_id, failover, not_before, id)
    ON reached.lane_id = l.id AND reached.failover = via.failover
 CROSS JOIN LATERAL (SELECT v.not_before, v.id FROM delivery_voicemail v
         WHERE v.lane_id = l.id AND v.failover = via.failover AND v.status = 'queued' AND v.not_before <= %s
           AND (v.not_before, v.id) >= (coalesce(reached.not_before, '-infinity'), coalesce(reached.id, lpad('', 32, '0')::uuid))
           AND {canaries.MAY_TRY_SQL}
         ORDER BY v.not_before, v.id LIMIT 1) first
 CROSS JOIN LATERAL (SELECT count(*) FROM (SELECT 1 FROM delivery_voicemail v
         WHERE v.lane_id = l.id AND v.failover = via.failover AND v.status = 'queued' AND v.not_before <= %s
           AND (v.not_before, v.id) >= (first.not_before, first.id) AND {canaries.MAY_TRY_SQL}
         ORDER BY v.not_before, v.id LIMIT %s) counted) due
 WHERE l.id = ANY(ARRAY(SELECT id FROM delivery_lane WHERE NOT idle AND NOT held ORDER BY id)) AND {_MAY_SEND_NOW} AND {_TAKES_NEW}
   AND {canaries.IS_OPEN_SQL}
 ORDER BY l.priority DESC, l.id, via.failover
"""  # noqa: S608 - of constants


def _send_route(lanes_with_setups: str) -> str:
    """Route of one lane through one setup.

    Senders are the use case's active numbers that belong to the route's setup, and whose ownership is stated if it is live; in a test
    lane, those of the use case's own setup.
    """
    return f"""
SELECT l.id, via.failover, s.id, s.breaker_until IS NOT NULL, u.deleted_at IS NOT NULL,
       l.workspace_id, w.organisation_id, l.live, u.purpose, u.basis, u.consent_required, u.consent_valid_days,
       u.confidential_numbers = 'send', l.live AND {can_send_sql("u.failover_setup_id")}, s.carrier, s.simulated,
       s.credentials, s.credentials_version, k.id, k.version, k.key, {effective_sql("window_start")}, {effective_sql("window_end")},
       l.days, u.days, u.sends_on_holidays, u.state_overlay,
       u.max_per_day, u.max_per_24h, u.max_per_week, {FREEZES_SQL}, {NEWEST_LOADED_SQL}, l.expires_at, l.recording_id,
       {canaries.IN_CANARY_SQL}, w.attestation_by_another,
       ARRAY(SELECT p.e164::text FROM usecases_numberassignment a JOIN usecases_phonenumber p ON p.id = a.phone_number_id
              WHERE a.use_case_id = u.id AND p.setup_id = {_NUMBERS_OF} AND {USABLE_SQL}
              ORDER BY p.e164)
{lanes_with_setups}
  JOIN usecases_callbacksecret k ON k.setup_id = s.id AND k.expires_at IS NULL
 WHERE l.id = %s AND via.failover = %s AND s.id = %s AND {_MAY_SEND_NOW}
"""  # noqa: S608


_READ_SEND_ROUTE = f"{_send_route(LANES_WITH_SETUPS)} AND {_TAKES_NEW}"
# A request under the same key goes where the first one went, also while that setup drains.
_READ_SAME_ROUTE = _send_route(_lanes_with_setups(_OWN_SETUP))


_DUE: Watermark[LanePositions] = Watermark({})


def active_routes(now: datetime, limit: int) -> list[ActiveRoute]:
    """Lanes that have due voicemails and are not held, stopped or behind an open breaker; highest priority first."""
    with _DUE.look() as positions:
        rows = sql.run(_FIND_ACTIVE_ROUTES, [*_as_arrays(positions), now, now, limit, now])
    routes = [ActiveRoute(*row) for row in rows]
    _remember(routes)
    return routes


def _remember(routes: list[ActiveRoute]) -> None:
    """Remember the first due voicemail of each lane. A lane in which nothing is due now keeps its position: nothing is due before."""
    found = {(route.lane_id, route.failover): route.first for route in routes}
    known = {lane: position for lane, position in _DUE.position.items() if lane not in found} | found
    _DUE.reached(dict(list(known.items())[-MAX_POSITIONS:]))


def _as_arrays(positions: LanePositions) -> list[str]:
    lanes = ["t" if failover else "f" for _, failover in positions]
    return [
        sql.ids(lane_id for lane_id, _ in positions),
        sql.texts(lanes),
        sql.times(not_before for not_before, _ in positions.values()),
        sql.ids(identifier for _, identifier in positions.values()),
    ]


def route_of(
    lane_id: UUID, *, failover: bool, setup_id: UUID, now: datetime, same_key: bool = False
) -> SendRoute | None:
    """The route of a lane through the setup; None if the lane is not open now, or uses another setup by now. `same_key`: a request
    repeats an earlier one, which a setup that drains still gets."""
    rows = sql.run(_READ_SAME_ROUTE if same_key else _READ_SEND_ROUTE, [now, lane_id, failover, setup_id, now])
    return SendRoute(*rows[0]) if rows else None
