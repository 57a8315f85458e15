"""Recordings and clips: encrypted storage, joining, playback, signed links, and uploads to carriers."""
