"""From an uploaded list to a campaign's voicemails: staged, judged and inserted in the background."""
