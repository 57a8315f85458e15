"""Django's backend for PostgreSQL, with connections of which a web process does not wait for a server that hangs."""
