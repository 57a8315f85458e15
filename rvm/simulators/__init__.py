"""Simulated vendors: programs of their own, spoken to over HTTP, which know nothing of the platform."""
