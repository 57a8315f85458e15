"""Database foundations: session settings, the database clock, ids, and set-wise SQL."""
