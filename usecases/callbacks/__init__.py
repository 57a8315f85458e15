"""The secrets of setups' callback addresses: the proof that an address carries for one drop, and the token of a fixed address."""
