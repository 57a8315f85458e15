"""A web process has loaded what it serves before its first request, and collections pass over it."""

from __future__ import annotations

import subprocess
import sys

_CHECK = """
import gc
from rvm.project.wsgi import application
from django.urls import get_resolver
print("url_patterns" in vars(get_resolver()), gc.get_freeze_count() > 100_000, gc.get_threshold()[0] > 700)
"""


def test_views_are_loaded_before_the_first_request_and_collections_pass_over_them() -> None:
    found = subprocess.run([sys.executable, "-c", _CHECK], check=True, stdout=subprocess.PIPE, text=True)
    assert found.stdout.split() == ["True"] * 3
