"""Forms that carry the version of what they change, so that nobody undoes another's change without having seen it."""
