"""The admin of what is left for whom through what, and of the setups, whose credentials the carriers' adapters name."""

from delivery.admin import clips, lanes, recordings, records, voicemails
from delivery.setups import admin as setups

__all__ = ["clips", "lanes", "recordings", "records", "setups", "voicemails"]
