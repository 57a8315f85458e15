"""Uploaded lists at the desk: recipients, opt-outs and withdrawals, how they are read, and what becomes of them."""
