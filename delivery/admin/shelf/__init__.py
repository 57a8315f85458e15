"""The shelf of recordings and clips on their pages in the admin."""
