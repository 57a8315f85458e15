"""The project's app, which every process loads at its start."""

from __future__ import annotations

import resource

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project's app, installed so that Django finds its templates, and so that no process leaves its memory on disk."""

    name = "rvm.project"
    label = "project"

    def ready(self) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump has the keys
