"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from delivery.runtime.garbage import spare_loaded
from rvm.platform.database import patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
# A client waits for each answer.
patience.limit()
application = get_wsgi_application()
# Django would load the views with the first request, which waits for them.
_ = get_resolver().url_patterns
spare_loaded()
