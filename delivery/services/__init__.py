"""Services that change recordings and voicemails, called by API views, admin, imports and commands."""
