"""The addresses that carriers call, of a drop with the proof that it was made for that one, of a setup with a token."""
