"""What the API costs: sends and batches against the plainest Django REST framework on the same server, lists and uploads.

Each step is a module with a function `measure` from the scene to its values of the last line. All measure at one web server, with
every guard and all encryption on.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.api import batches, campaign, lists, sends, uploads
from bench.api.scene import QUICK, Scene, Sizes, opened

__all__ = ["QUICK", "STEPS", "Sizes", "run"]

Say = Callable[[str], None]
STEPS: dict[str, Callable[[Scene, Sizes, Say], dict[str, float]]] = {
    "sends": sends.measure,
    "batches": batches.measure,
    "uploads": uploads.measure,
    "campaign": campaign.measure,
    # The last, because it leaves millions of voicemails behind.
    "lists": lists.measure,
}


def run(sizes: Sizes, say: Say) -> dict[str, float]:
    """Measure the steps of `sizes` and return the values of the last line; `say` prints lines for a person."""
    figures: dict[str, float] = {}
    with opened() as scene:
        for name in sizes.steps or STEPS:
            figures |= STEPS[name](scene, sizes, say)
    return figures
