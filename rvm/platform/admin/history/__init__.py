"""The history of a row at the desk, and the lines in which events are told."""
