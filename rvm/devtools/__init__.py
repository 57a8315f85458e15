"""Running the whole platform on one machine, to try or to test it: local servers, a supervisor, sample data, commands."""
