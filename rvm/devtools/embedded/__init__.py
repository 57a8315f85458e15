"""Local PostgreSQL and Redis: real servers from wheels or from the machine, without root, Docker or TCP ports.

If `DATABASE_URL` and `REDIS_URL` are set, as in production, those servers are used and none is started.
"""

from __future__ import annotations

from rvm.devtools.embedded.environment import is_local, local_services
from rvm.devtools.embedded.processes import ServerError

__all__ = ["ServerError", "is_local", "local_services"]
