#!/usr/bin/env python
"""Django's command line. The commands of the quick start bring their own servers, so they work from a fresh clone."""

from __future__ import annotations

import os
import sys

# These start (or share) local PostgreSQL and Redis unless DATABASE_URL and REDIS_URL say where others are.
QUICK_START = {"demo", "up", "bench", "seed"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
    if len(sys.argv) > 1 and sys.argv[1] in QUICK_START:
        run_with_local_services()
    else:
        run()


def run_with_local_services() -> None:
    from rvm.platform.embedded import ServiceError, local_services

    os.environ.setdefault("RVM_ENVIRONMENT", "development")
    os.environ.setdefault("RVM_LOG_FORMAT", "console")
    try:
        with local_services() as environment:
            os.environ.update(environment)
            run()
    except ServiceError as error:
        sys.exit(str(error))


def run() -> None:
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
