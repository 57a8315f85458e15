"""How long data about people is kept: the kinds of data, each workspace's days, legal holds, and the purge in small steps."""
