"""What every statement stands on: the session's settings, the one clock, ids, and set-wise SQL."""
