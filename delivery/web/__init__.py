"""Addresses without an API key: callbacks of carriers, links to recordings, metrics."""
