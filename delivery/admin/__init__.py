"""Admin pages of voicemails, recordings, clips, lanes, carrier records and telephony setups."""

from delivery.admin import clips, lanes, recordings, records, voicemails
from delivery.setups import admin as setups

__all__ = ["clips", "lanes", "recordings", "records", "setups", "voicemails"]
