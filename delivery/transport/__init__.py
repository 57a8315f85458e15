"""The HTTP client to carriers, which proves for each failed request whether it was sent."""
