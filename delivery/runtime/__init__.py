"""What the engine stands on: set-wise SQL, wake-ups of workers, deadlines and the wish to stop. It knows no voicemail."""
