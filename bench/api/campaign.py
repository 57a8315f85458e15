"""How long the API takes beside a campaign that sends 500 a second, against a quiet server: pages and sends of one client in turn."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from contextlib import ExitStack, closing

import psycopg

from bench import scenario
from bench.api.client import Client
from bench.api.scene import Scene, Sizes
from bench.dispatch import stub_carrier
from bench.maintenance import running_campaign

LATENCY_MS = 20


def measure(scene: Scene, sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    quiet, beside, rates = [], [], []
    with ExitStack() as exits:
        url = os.environ["DATABASE_URL"]
        connection = exits.enter_context(psycopg.connect(url))
        clinic = scenario.make_clinic(
            connection, carrier_url=stub_carrier(exits, LATENCY_MS), cap=64, pace=sizes.campaign_pace
        )
        client = exits.enter_context(closing(Client(scene)))
        _asked(client, sizes.beside_requests // 4 + 1)  # warms up
        for _ in range(sizes.beside_rounds):
            quiet.append(_p99(_asked(client, sizes.beside_requests)))
            with running_campaign(
                connection, url, clinic, sizes.campaign_pace, {"RVM_MEDIA_ROOT": scene.folder}
            ) as campaign:
                rates.append(campaign.rate(lambda: beside.append(_p99(_asked(client, sizes.beside_requests)))))
            say(f"p99 {quiet[-1]:.1f} ms quiet, {beside[-1]:.1f} ms beside a campaign at {rates[-1]:,.0f} a second")
    return {
        "campaign_p99_ratio": round(statistics.median(b / q for b, q in zip(beside, quiet, strict=True)), 2),
        "campaign_per_second": round(statistics.median(rates)),
    }


def _asked(client: Client, requests: int) -> list[float]:
    return [client.page({}) if number % 2 else client.send() for number in range(requests)]


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]
