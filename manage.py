#!/usr/bin/env python
"""Django's command line. The commands of the quick start bring their own servers, so they work from a fresh clone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# These start (or share) local PostgreSQL and Redis unless DATABASE_URL and REDIS_URL say where others are.
QUICK_START = {"demo", "up", "bench", "seed"}
# A bench fills its database with millions of rows: it has a server of its own, beside the one with people's data.
DATA = {"bench": Path(__file__).parent / ".rvm" / "rvm_bench"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
    if len(sys.argv) > 1 and sys.argv[1] in QUICK_START:
        run_with_local_services()
    else:
        run()


def run_with_local_services() -> None:
    from rvm.devtools.embedded import ServerError, local_services

    if sys.argv[1] == "bench" and "rvm_bench" not in os.environ.get("DATABASE_URL", "rvm_bench"):
        sys.exit(
            "A bench fills its database with millions of rows. Unset DATABASE_URL to let it start a server of its own, or"
            " name a database that begins with rvm_bench."
        )
    os.environ.setdefault("RVM_ENVIRONMENT", "development")
    os.environ.setdefault("RVM_LOG_FORMAT", "console")
    try:
        with local_services(DATA.get(sys.argv[1])) as environment:
            os.environ.update(environment)
            run()
    except ServerError as error:
        sys.exit(str(error))


def run() -> None:
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
