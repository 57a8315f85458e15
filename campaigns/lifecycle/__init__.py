"""What becomes of a campaign: what people do with it, what time does with it, and the only transitions between its states."""
