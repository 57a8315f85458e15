"""The processes behind the web: jobs of the workers, and the tick that does what time alone must do."""
