"""Replacement of keys: what is stored under an older one is written anew under the current one, while everything runs."""
