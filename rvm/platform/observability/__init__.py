"""Observability for operators: logs without phone numbers, and an id for each request."""
