"""Engine that sends due voicemails: lane routes, rate limits, claims, the dispatcher and its results."""
