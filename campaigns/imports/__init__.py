"""From an uploaded list to a campaign's voicemails: read, checked, confirmed, judged and inserted in the background."""
