"""Calls of vendors that ring, detect what answered and then leave the message: what may be done in a call, and telling it."""
