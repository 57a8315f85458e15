"""Uploaded lists in the admin: recipients, opt-outs and withdrawals, how they are read, and what becomes of them."""
