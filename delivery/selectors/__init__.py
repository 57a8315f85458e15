"""Selectors of voicemails, drops, recordings and clips, each within one workspace unless it says otherwise.

Voicemails are live or test; recordings and clips are shared by both.
"""
