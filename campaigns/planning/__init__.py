"""How a campaign will run and how far it is: its effective settings, its audience, forecast, preview and progress."""
