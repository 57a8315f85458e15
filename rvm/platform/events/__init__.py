"""Events: what happened, as a workspace's own systems are told it, in one order that everybody sees.

Whoever changes something adds its event to the outbox in the same transaction (`outbox`). One publisher at a time moves what is
committed from there to the feed, where each event gets its place (`publisher`). The event feed and the webhooks read the feed.
"""
