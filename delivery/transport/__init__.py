"""The one way to carriers over HTTP, which proves of each request whether it was sent."""
