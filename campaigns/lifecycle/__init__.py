"""The life of a campaign: actions of users, time-driven steps, and the only writer of its states."""
