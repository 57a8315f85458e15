"""Uploaded lists in the admin: recipient imports, opt-out lists and withdrawals."""
