"""People who are taken out of a campaign because their appointment was canceled: their lists, and what becomes of them."""
