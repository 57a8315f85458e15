"""Rows as the API answers them: their ids, what has no value, and their versions."""
