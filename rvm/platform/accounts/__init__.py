"""The accounts of people: signing in and out, passwords, sessions, invitations."""
