"""Observability for operators: health checks, logs without phone numbers, and an id for each request."""
