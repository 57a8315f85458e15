"""Requests to addresses that users name: which addresses are taken, which machines are reached, and how much is read.

An address of a user could lead to machines that only this one reaches: the database, a neighbour, the metadata of a cloud. `targets`
judges the address as it is written, `machines` each machine that a connection is about to be opened to, and `connection` has the
options of a client that cannot go round either. Carriers are reached by `delivery/transport`, at hosts that the operator names.
"""
