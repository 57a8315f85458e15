"""People: owners of numbers, found by number, identifier or name, with all that a workspace knows about each."""
