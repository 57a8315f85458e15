"""The hold of all sending: set when the database is not the one that it was, or by hand, and released by a person only."""
