"""Tools to run the whole platform on one machine, for trials and tests: local servers, a supervisor, sample data, commands."""
