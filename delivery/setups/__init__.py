"""Telephony setups, as far as a carrier has a say in them."""
