"""Actions of administrators and API programs in a history, through the services that both call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import rule

from campaigns.lifecycle import service
from campaigns.models import Campaign
from delivery.models import Voicemail
from delivery.services import lanes, retries, voicemails
from delivery.services.screening import Recipient
from delivery.setups import services
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.errors import ServiceError
from rvm.platform.models import KeyRotation, Workspace
from rvm.platform.rotation.passes import Pace, Passes
from rvm.platform.rotation.stores import CIPHERTEXTS, INDEXES, REMAINDERS, Store
from tests.delivery.model.carriers import KINDS
from tests.delivery.model.engine import STOPS, Engine
from tests.delivery.model.world import PEOPLE, account_named
from usecases import services as usecases
from usecases.models import Suppression, TelephonySetup, UseCase
from usecases.services.consents import NewConsent
from usecases.services.suppressions import lift
from usecases.suppressions import suppress, suppressions_of

ROWS = st.integers(0, 7)
SWITCHES = st.sampled_from(["workspace", "use case", "setup"])
EITHER = st.integers(0, 1)
MAX_VOICEMAILS = 8
LATER = 2  # the key to which histories rotate


Action = tuple[Any, ...]


def action(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Action]:
    """Strategy for an action and its drawn arguments."""
    return st.tuples(st.just(name), *arguments)


DECISIONS = (
    action("cancels", ROWS)
    | action("withdraws", ROWS)
    | action("retries", ROWS, st.booleans())
    | action("retries", ROWS, st.just(True))
    | action("retries_the_campaign", st.booleans())
    | action("decides_on_the_campaign", st.sampled_from(["pause", "pause", "resume"]))
    | action("opts_out", st.sampled_from(PEOPLE))
    | action("lifts", st.sampled_from(PEOPLE))
    | action("queues_one_more", st.sampled_from(PEOPLE), EITHER)
)
CHANGES = (
    action("drains", EITHER, st.sampled_from([True, True, False]))
    | action("allows_ringing", EITHER, st.sampled_from([False, False, True]))
    | action("takes_a_plug_in_away", st.sampled_from(list(KINDS)), st.sampled_from([True, False]))
    | action("takes_another_recording")
) | (
    action("throws_a_switch", SWITCHES, EITHER, st.sampled_from([False, False, True]))
    | action("assigns_a_sender", st.integers(0, 3), EITHER, st.booleans())
    | action("enters_credentials", EITHER, st.booleans())
    | action("enters_credentials", EITHER, st.just(True))
    | action("spoils_a_number", ROWS)
    | action("rotates_keys", st.integers(1, 4))
    | action("renews", STOPS)
    | action("renews", STOPS)
)
FORBIDDING = (
    action("throws_a_switch", SWITCHES, EITHER, st.just(False))
    | action("throws_a_switch", SWITCHES, EITHER, st.just(False))
    | action("decides_on_the_campaign", st.just("pause"))
    | action("decides_on_the_campaign", st.just("pause"))
    | action("opts_out", st.sampled_from(PEOPLE))
    | action("enters_credentials", EITHER, st.just(True))
    | action("drains", EITHER, st.just(True))
    | action("allows_ringing", EITHER, st.just(False))
)
CLOSINGS = action("decides_on_the_campaign", st.just("cancel")) | action(
    "deletes", EITHER, st.sampled_from(["use case", "setup"])
)


def _stores() -> tuple[list[Store], list[Store]]:
    """Of ciphertexts, but for files, which these histories do not have, and of indexes."""
    ciphertexts, indexes = ([store for each in lists for store in each()] for lists in (CIPHERTEXTS, INDEXES))
    for store in (*ciphertexts, *indexes):
        store.batch = 2
    return [store for store in ciphertexts if not store.name.startswith("files")], indexes


def renew() -> None:
    for command, stores in zip(("reencrypt", "reindex"), _stores(), strict=True):
        for store in stores:
            Passes(command, LATER, Pace(None, sleep=lambda seconds: None), lambda line: None).over(store)


def needs_no_older_key() -> bool:
    since = KeyRotation.objects.filter(name__startswith="reindex").order_by("-found_at").first()
    remainders = [remainder for each in REMAINDERS for remainder in each(since and since.found_at)]
    counts = [store.counts() for stores in _stores() for store in stores]
    return all(set(count) <= {LATER} for count in counts) and not any(each.keys for each in remainders)


class Administrators(Engine):
    """Rules of administrators. Few rules draw from many actions, so that the engine's rules are chosen often enough."""

    def does(self, action: Action) -> None:
        name, *arguments = action
        getattr(self, name)(*arguments)

    somebody_decides, somebody_changes, somebody_closes = (
        rule(action=DECISIONS)(does),
        rule(action=CHANGES)(does),
        rule(action=CLOSINGS)(does),
    )

    def __init__(self) -> None:
        super().__init__()
        self.generations = [0, 0]

    def ask(self, verb: Callable[[], object], *, at_risk: str = "") -> None:
        """Call the service. `at_risk` is the voicemail for which the user accepts the duplicate risk.

        Refusals are allowed, and so is the 500 for a number that cannot be decrypted (docs/operate/keys.md)."""
        self.judge.by_person = True
        self.judge.risk_taken_on = at_risk
        try:
            with transaction.atomic():
                verb()
        except (ServiceError, Undecryptable):
            pass
        finally:
            self.judge.look()
            self.judge.by_person = False
            self.judge.risk_taken_on = ""

    def voicemail(self, place: int) -> Voicemail:
        """The voicemail at a place in order of creation, because ids have this order to the millisecond only."""
        made = list(self.judge.number_of)
        return Voicemail.objects.defer("recipient").get(pk=made[place % len(made)])

    def campaign(self) -> Campaign:
        return Campaign.objects.get(pk=self.world.campaign.pk)

    def use_case(self, place: int) -> UseCase:
        return UseCase.objects.get(pk=self.world.use_cases[place].pk)

    def setup(self, place: int) -> TelephonySetup:
        return TelephonySetup.objects.get(pk=self.world.setups[place].pk)

    def cancels(self, place: int) -> None:
        self.ask(lambda: voicemails.cancel(self.voicemail(place), actor=None, now=self.now))

    def withdraws(self, place: int) -> None:
        row = self.voicemail(place)
        self.ask(lambda: lanes.withdraw(row.lane_id, [row.pk], self.now))

    def retries(self, place: int, risk: bool) -> None:
        row = self.voicemail(place)

        def retry() -> None:
            retries.retry(row, accept_duplicate_risk=risk, actor=None, now=self.now)

        self.ask(retry, at_risk=str(row.pk) if risk else "")

    def retries_the_campaign(self, risk: bool) -> None:
        def retry() -> None:
            named: dict[str, Any] = {"accept_duplicate_risk": risk, "reasons": [], "actor": None}
            service.retry_failed(self.campaign(), now=self.now, **named)

        self.ask(retry)

    def decides_on_the_campaign(self, verb: str) -> None:
        self.ask(lambda: getattr(service, verb)(self.campaign(), actor=None, now=self.now))

    def throws_a_switch(self, switch: str, place: int, on: bool) -> None:
        match switch:
            case "workspace":
                Workspace.objects.filter(pk=self.world.workspace.pk).update(sending_enabled=on)
            case "use case":
                self.ask(lambda: usecases.update_use_case(use_case=self.use_case(place), sending_enabled=on))
            case "setup":
                self.ask(lambda: services.update_setup(setup=self.setup(place), enabled=on))

    def drains(self, place: int, on: bool) -> None:
        self.ask(lambda: services.update_setup(setup=self.setup(place), draining=on))

    def allows_ringing(self, place: int, allowed: bool) -> None:
        """Past the service, which refuses it while a setup of the use case rings: a plug-in's next version may begin to ring."""
        UseCase.objects.filter(pk=self.world.use_cases[place].pk).update(allows_ringing=allowed)

    def takes_another_recording(self) -> None:
        """Pause the campaign, give it the other recording and resume it, which begins another canary."""
        row = self.campaign()
        other = next(each for each in self.world.recordings if each.pk != row.recording_id)
        self.decides_on_the_campaign("pause")
        self.ask(lambda: service.edit(self.campaign(), {"recording": other}, actor=None, now=self.now))
        self.decides_on_the_campaign("resume")

    def allows_everything(self) -> None:
        for place in (0, 1):
            for switch in ("workspace", "use case", "setup"):
                self.throws_a_switch(switch, place, True)
            self.drains(place, False)
            self.allows_ringing(place, True)
        self.decides_on_the_campaign("resume")

    def assigns_a_sender(self, number: int, place: int, assigned: bool) -> None:
        verb = usecases.assign_number if assigned else usecases.unassign_number
        self.ask(lambda: verb(use_case=self.use_case(place), phone_number=self.world.numbers[number]))

    def enters_credentials(self, place: int, another: bool) -> None:
        """Enter the credentials of another account, or the same again."""
        self.generations[place] += another
        account = account_named(place, self.generations[place])
        self.ledger.kind_of[account] = self.ledger.kind_of[account_named(place, 0)]
        self.ask(lambda: services.update_setup(setup=self.setup(place), credentials={"account": account}))

    def deletes(self, place: int, what: str) -> None:
        def delete() -> None:
            if what == "setup":
                usecases.delete_setup(setup=self.setup(place))
                return
            use_case = self.use_case(place)
            for number in self.world.numbers:
                usecases.unassign_number(use_case=use_case, phone_number=number)
            usecases.delete_use_case(use_case=use_case)

        self.ask(delete)

    def opts_out(self, number: str) -> None:
        self.judge.said_no.add(number)
        person = Suppression.Source.PERSON
        suppress(workspace_id=self.world.workspace.pk, number=number, source=person, reason="opted_out")
        self.judge.opted_out.add(number)

    def lifts(self, number: str) -> None:
        """Lift all that suppresses the number, on a new consent."""

        def lift_all() -> None:
            for row in suppressions_of(self.world.workspace.pk, number).active().defer("number"):
                at = row.created_at + timedelta(minutes=1)
                consent = NewConsent("signed form", at, "Form 12")
                lift(row, reason="They asked.", consent=consent, actor=None, now=at + timedelta(minutes=1))
            self.judge.opted_out.discard(number)
            self.judge.said_no.add(number)

        self.ask(lift_all)

    def queues_one_more(self, number: str, place: int) -> None:
        def queue() -> None:
            [row] = voicemails.queue_voicemails(
                use_case=self.use_case(place),
                recording=self.world.recording,
                live=True,
                recipients=[Recipient(number)],
                now=self.now,
            )
            if isinstance(row, Voicemail):
                self.judge.number_of[str(row.pk)] = number

        if len(self.judge.number_of) < MAX_VOICEMAILS:
            self.ask(queue)

    def spoils_a_number(self, place: int) -> None:
        """Make a number undecryptable, as if its key had been lost."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE delivery_voicemail SET recipient = set_byte(recipient, 0, 200) WHERE id = %s",
                [self.voicemail(place).pk],
            )

    def rotates_keys(self, steps: int) -> None:
        """Advance the key rotation by `steps` (docs/operate/keys.md), up to its last one but the removal of the old keys."""
        self.rotation = max(self.rotation, min(self.rotation + steps, len(self.world.stages) - 2))
        self._restarts_with_other_keys()

    def _restarts_with_other_keys(self) -> None:
        for name in [name for name, keys in self.keys.items() if keys not in self.world.stages[self.rotation]]:
            self.kill(name)
        self.keys_at_the_desk().take()

    def renews(self, stops: int | None) -> None:
        """Run `reencrypt` and `reindex`, or go on with them, after all processes have got the new key as the current one. Afterwards
        the old keys are taken away, if nothing needs them any more."""
        self.rotates_keys(len(self.world.stages))
        if self.rotation == len(self.world.stages) - 2:
            self.run("operator", renew, stops)
            if "operator" not in self.processes and needs_no_older_key():
                self.rotation += 1
                self._restarts_with_other_keys()
