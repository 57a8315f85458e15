"""The admin of webhook destinations and of what was sent to them."""

from rvm.platform.admin.webhooks import deliveries, destinations

__all__ = ["deliveries", "destinations"]
