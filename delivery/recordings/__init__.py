"""The sound of voicemails: kept encrypted, joined from clips, played, linked to, and left with carriers."""
