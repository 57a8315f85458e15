"""Days and times of people: how they are read and written, and in which time zone."""
