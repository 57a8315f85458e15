"""An MP3 as MPEG audio frames: their headers, the walk over them, what stands around them, and their joining."""
