"""Statements about what recordings and clips say, in the admin: a checklist in plain words, for one or for several."""
