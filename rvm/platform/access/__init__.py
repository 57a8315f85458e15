"""Access to a workspace: its API keys and its members, as the API shows them."""
