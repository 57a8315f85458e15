"""Webhooks: a workspace's own systems are told of events at addresses that they name, signed, and in order for each subject."""
