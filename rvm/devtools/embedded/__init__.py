"""PostgreSQL and Redis for a newcomer: real servers from wheels or the machine, no root, no Docker, no TCP port.

Production brings its own servers through `DATABASE_URL` and `REDIS_URL`; these always win and nothing is started then.
"""

from __future__ import annotations

from rvm.devtools.embedded.environment import local_services
from rvm.devtools.embedded.processes import ServerError

__all__ = ["ServerError", "local_services"]
