"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from rvm.platform.database import patience

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
# A client waits for each answer.
patience.limit()
application = get_wsgi_application()
