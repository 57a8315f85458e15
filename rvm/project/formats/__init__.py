"""Date formats of the admin, the same as in the API."""
