"""Parts of the measurement of the engine: one job for each voicemail, the search for due lanes, and fairness between lanes."""
