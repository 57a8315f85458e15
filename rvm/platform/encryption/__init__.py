"""Encryption at rest: keys, blind indexes, encrypted columns, files and uploads."""
