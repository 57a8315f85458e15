"""Simulated vendors: separate programs with an HTTP interface, which import nothing of the platform."""
