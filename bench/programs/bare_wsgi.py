"""The WSGI application of the callbacks' bench: the platform, with the bare view's address before its own."""

from __future__ import annotations

from django.conf import settings

from rvm.project.wsgi import application as application

settings.ROOT_URLCONF = "bench.programs.bare"
