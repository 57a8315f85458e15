"""How the admin writes dates: the way the API does."""
