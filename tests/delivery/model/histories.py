"""Histories of a few voicemails: workers that stop anywhere, carriers, time and users, in any order.

Rules only act. `judge` checks the invariants at each commit and each request, against what accounts received (`carriers`) and what
was written (`journal`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from campaigns.lifecycle import canaries
from campaigns.models import Campaign
from delivery.lifecycle import awaited_results, invariants
from delivery.lifecycle.reasons import Reason
from rvm.platform.models import Tally
from tests.delivery.model.administrators import CHANGES, CLOSINGS, DECISIONS, FORBIDDING, Action, Administrators, action
from tests.delivery.model.carriers import KINDS, Answer
from tests.delivery.model.engine import ANSWERS, CLOCKS, HOSTS_CLOCKS, LOOK_UPS, PLACES, STOPS, WAITS
from tests.delivery.model.reporting import FATES, Reporting
from tests.delivery.model.world import account_named
from usecases.models import TelephonySetup, UseCase

# Errors that the engine may log without a fault, besides numbers that cannot be decrypted.
EXPECTED_LOGS = {"recipient_unreadable", "breaker_opened", "setup_unusable", "hang_up_abandoned"}
EXPECTED_ERRORS = {"Undecryptable", "UnknownCarrierError"}
# Half of the histories have caps that one person's voicemails reach.
CAPS: list[dict[str, int]] = [{}, {}, {"max_per_day": 1, "max_per_week": 2}, {"max_per_day": 3, "max_per_24h": 2}]
KIND = st.sampled_from(list(KINDS))


class History(Reporting, Administrators):
    """One history, from its first row until all its rows have ended."""

    has_begun = False

    @initialize(
        kinds=st.tuples(KIND, KIND),
        failover=st.booleans(),
        failover_reasons=st.sampled_from([[], [Reason.REFUSED, Reason.BUSY, Reason.CARRIER_ACCOUNT]]),
        attempts=st.sampled_from([1, 2, 3, 3]),
        caps=st.sampled_from(CAPS),
        honest=st.booleans(),
        skew=HOSTS_CLOCKS,
        carrier_skew=CLOCKS,
        same_references=st.booleans(),
        at_once=st.booleans(),
        speaks_at_the_end=st.booleans(),
        first=st.sampled_from([0, 0, 1, 2]),
        answers=ANSWERS,
        stops=STOPS,
    )
    def begins(
        self,
        kinds: tuple[str, str],
        failover: bool,
        failover_reasons: list[Reason],
        attempts: int,
        caps: dict[str, int],
        honest: bool,
        skew: int,
        carrier_skew: int,
        same_references: bool,
        at_once: bool,
        speaks_at_the_end: bool,
        first: int,
        answers: list[Answer],
        stops: int | None,
    ) -> None:
        self.has_begun = True
        self.honest, self.same_references, self.speaks_at_the_end = honest, same_references, speaks_at_the_end
        self.skew, self.carrier_skew = timedelta(seconds=skew), timedelta(seconds=carrier_skew)
        for place, (setup, kind) in enumerate(zip(self.world.setups, kinds, strict=True)):
            TelephonySetup.objects.filter(pk=setup.pk).update(carrier=kind)
            self.ledger.kind_of[account_named(place, 0)] = kind
        main, other = self.world.use_cases
        UseCase.objects.filter(pk=main.pk).update(
            failover_setup=self.world.setups[1] if failover else None,
            failover_reasons=[reason.value for reason in failover_reasons],
            max_attempts=attempts,
            **caps,
        )
        UseCase.objects.filter(pk=other.pk).update(max_attempts=attempts, **caps)
        if first:
            self.begins_a_canary(first)
        if at_once:
            self.dispatches(0, 8, answers, stops)

    def begins_a_canary(self, people: int) -> None:
        """As if the launch, which has been, had begun it."""
        Campaign.objects.filter(pk=self.world.campaign.pk).update(canary_size=people)
        with transaction.atomic():
            canaries.begin(self.campaign())

    # Actions while a process is stopped.
    meanwhile = (
        DECISIONS
        | CHANGES
        | CLOSINGS
        | action("time_passes", WAITS)
        | action("passes_a_while", WAITS, ANSWERS, st.lists(FATES, max_size=3))
        | action("dispatches", st.just(0), st.just(8), ANSWERS, STOPS)
        | action("merges_and_settles", st.just(0), st.integers(1, 6), LOOK_UPS, ANSWERS, STOPS)
        | action("commands_calls", st.just(0), ANSWERS, STOPS)
    )
    common = {
        "name": st.sampled_from(["dispatch", "dispatch", "dispatch", "reports", "tick", "calls"]),
        "place": st.sampled_from([0, 0, 0, 0, 1, 1, 2]) | PLACES,
        "answers": ANSWERS,
    }

    def stands_still(self, name: str, place: int, answers: list[Answer], actions: Sequence[Action], dies: bool) -> None:
        """Stop a process, run the actions, and continue or kill it."""
        match name:
            case "dispatch":
                self.dispatches(1, 8, answers, place)
            case "reports":
                self.merges_and_settles(1, 10, [], answers, place)
            case "tick":
                self.ticks(set(), False, place)
            case "calls":
                self.commands_calls(1, answers, place)
        for each in actions:
            self.does(each)
        kind = name if name == "tick" else f"{name} 1"
        if kind in self.processes:
            self.kill(kind) if dies else self.processes_go_on(kind)

    a_process_stands_still = rule(
        **common, actions=st.lists(meanwhile, min_size=1, max_size=3), dies=st.sampled_from([False, False, True])
    )(stands_still)

    @rule(
        **common,
        wait=st.sampled_from([1, 60, 600, 600, 3600]),
        actions=st.tuples(FORBIDDING, meanwhile) | st.tuples(FORBIDDING),
        relents=st.sampled_from([True, True, False]),
    )
    def a_process_is_overtaken(
        self, wait: int, name: str, place: int, answers: list[Answer], actions: Sequence[Action], relents: bool
    ) -> None:
        """Stop a process and forbid its next step, mostly for a short time, so that the history still sends."""
        self.time_passes(wait)
        self.stands_still(name, place, answers, actions, dies=False)
        if relents:
            self.allows_everything()

    def processes_go_on(self, name: str) -> None:
        self.run(name, lambda: None, None)

    @invariant()
    def all_is_well(self) -> None:
        type(self).steps += 1
        self.judge.look()
        self.judge.counters_are_rows()
        wrong = [entry for entry in self.logs if entry["log_level"] in ("error", "critical")]
        wrong = [
            entry
            for entry in wrong
            if entry["event"] not in EXPECTED_LOGS and entry.get("error") not in EXPECTED_ERRORS
        ]
        assert not wrong, wrong

    def teardown(self) -> None:
        try:
            if self.has_begun:
                self.everything_ends()
        finally:
            for name in list(self.processes):
                self.kill(name)
            self.undo.close()

    def everything_ends(self) -> None:
        """Check that time alone ends every row, without sending, whether carriers report everything or nothing."""
        for name in list(self.processes):
            self.kill(name)
        if self.speaks_at_the_end:
            for entry in list(self.ledger.all()):
                entry.end(None)
                if entry.fate:
                    self.say(entry, entry.fate, entry.reason)
        for _ in range(3 + len(awaited_results.WAITS)):  # what has ended by a guess is asked about a few times more
            self.merges_and_settles(0, 10, [], [], None)
            self.time_passes(80 * 3600)
            self.ticks(set(), False, None)
            self.commands_calls(0, [], None)
        self.merges_and_settles(0, 10, [], [], None)
        self.all_is_well()
        self.judge.all_has_ended()
        assert not Tally.objects.filter(name=invariants.TALLY).exists(), (
            "a voicemail had to be brought together with its drop"
        )
