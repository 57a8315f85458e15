"""The admin of the platform's own records: the audit, the histories of rows, idempotency keys, heartbeats, tallies."""
