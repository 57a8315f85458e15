"""The audit over the API: events, who saw what of a person, and the same in the shape of the reference platform."""
