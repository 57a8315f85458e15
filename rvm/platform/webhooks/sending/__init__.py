"""Sending of webhooks: who is sent what when, over which connections, and what an answer means.

A process leases a destination (`leases`), reads the feed for it (`feed`), sends over connections that are the destination's alone
(`channels`), and settles what came of it (`settlement`, by the rules of `schedule`). `sender` turns the wheel.
"""
