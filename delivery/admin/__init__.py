"""Admin pages of voicemails, recordings, clips, lanes, carrier records, use cases and telephony setups."""

from delivery.admin import clips, lanes, recordings, records, use_cases, voicemails
from delivery.setups import admin as setups

__all__ = ["clips", "lanes", "recordings", "records", "setups", "use_cases", "voicemails"]
