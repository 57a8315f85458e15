"""How a campaign will run and how far it is: its plan, its audience, forecast, preview and progress."""
