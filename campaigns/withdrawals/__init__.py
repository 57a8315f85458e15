"""Withdrawals: lists of recipients to take out of a campaign because their appointment was canceled, and the service for them."""
