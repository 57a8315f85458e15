"""Functions that take hostile bytes apart, each call in a process of its own: bounded in memory, time and files, and without secrets.

A reader or decoder that is led astray by a file then costs that one call, and not the process that serves everybody and holds the
keys. The bytes go in and what is made of them comes back through pipes, as fast as the caller takes it; none of it is ever on a disk.
`calls` is the side that asks, `child` what the process runs, `frames` what they say to each other.
"""
