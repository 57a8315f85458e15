"""Isolated calls: functions that parse hostile bytes, each in its own process without secrets, bounded in memory, time and files.

A malicious file can then break only that call, and not the process that serves all users and holds the keys. Bytes and results pass
through pipes at the caller's pace and are never on disk. `calls` is the parent's side, `servers` starts the processes from which
children are forked, `child` is their program, `frames` the protocol.
"""
