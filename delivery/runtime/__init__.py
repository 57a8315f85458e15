"""The foundations of engine and workers: wake-ups, deadlines, shutdown, bisection, watermarks. Imports nothing about voicemails."""
