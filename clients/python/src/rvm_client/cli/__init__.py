"""The command `rvm`, on the client alone."""
