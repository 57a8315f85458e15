"""Opt-out lists: people who must not be reached, and the suppressions that their lists add and undo."""
