"""What people say about their own number: by a key press or a text message that a gateway passes on, or on a public page."""
