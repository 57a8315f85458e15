"""What operators see: health, logs without phone numbers, and an id for each request."""
