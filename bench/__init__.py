"""Measurements of the platform against a baseline and a limit in the same run; `manage.py bench` runs them."""
