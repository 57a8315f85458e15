"""Campaigns in the admin: their list, their form, their own page and what can be done there."""
