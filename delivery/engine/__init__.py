"""Who is sent when, and the loop that sends them: routes of lanes, rate limits, the claim, the dispatcher and its results."""
