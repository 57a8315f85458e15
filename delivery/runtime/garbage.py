"""Garbage collection of processes that live long and allocate much at once.

Loaded modules live as long as the process, and a batch, a page or a turn allocates tens of thousands of objects that live until its
end. With Python's defaults, repeated collections of these took a third of a worker's processor time, and a quarter of a batch's.
"""

from __future__ import annotations

import gc

# Thresholds for gc.set_threshold; Python's default for the first is 700 objects.
_THRESHOLDS = (50_000, 20, 20)


def spare_loaded() -> None:
    """From now on collections pass over all that is loaded, and are rarer. Call it at the end of a process's start."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
