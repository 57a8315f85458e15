"""API of the feed of events."""
