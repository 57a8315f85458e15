"""What every code of a vendor means is written a second time, beside its source: a changed line of an adapter's table is noticed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from delivery.carriers import drop_cowboy, slybroadcast, telnyx, twilio, voicedrop
from delivery.carriers.signalwire import SignalWire
from rvm.simulators.framework.schemas import FIXTURES

TABLES: Mapping[str, Mapping[str, Any]] = {
    "drop_cowboy": {
        "results": drop_cowboy.REASONS,
        "answers": drop_cowboy.ANSWERS,
        "refusals with the error document": drop_cowboy.REFUSALS,
    },
    "slybroadcast": {"statuses": slybroadcast.STATUSES, "fail reasons": slybroadcast.REASONS},
    "voicedrop": {
        "failures": voicedrop.FAILURES,
        "extra status info": voicedrop.REASONS,
        "answers": voicedrop.ANSWERS,
    },
    "twilio": {
        "greeting over": twilio.GREETING_OVER,
        "answered by": twilio.ANSWERED_BY,
        "call status": twilio.ENDS,
        "under way": twilio.UNDER_WAY,
        "network": twilio.NETWORK,
        "errors": twilio.ERRORS,
        "answers": twilio.ANSWERS,
        "refusals with the error document": twilio.REFUSALS,
    },
    # beside Twilio's
    "signalwire": {"errors": dict(SignalWire.errors.items() - twilio.ERRORS.items())},
    "telnyx": {
        "detection": telnyx.DETECTED,
        "greeting": telnyx.GREETED,
        "playback": telnyx.PLAYED,
        "hangup": telnyx.HUNG_UP,
        "network": telnyx.SIP,
        "errors": telnyx.ERRORS,
        "answers": telnyx.ANSWERS,
        "channels": telnyx.CHANNELS,
    },
}


@pytest.mark.parametrize("vendor", TABLES)
def test_every_code_means_what_its_vendor_says(vendor: str) -> None:
    documented = orjson.loads(Path(FIXTURES, vendor, "codes.json").read_bytes())
    assert documented.pop("source")
    assert {name: _plain(table) for name, table in TABLES[vendor].items()} == documented


def _plain(table: Mapping[Any, Any] | Collection[Any]) -> Any:
    """The table as JSON has it."""
    if not isinstance(table, Mapping):
        return sorted(map(str, table))
    return orjson.loads(orjson.dumps({str(code): meaning for code, meaning in table.items()}))
