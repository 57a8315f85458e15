#!/usr/bin/env bash
# The role of RVM's processes, which owns no table; `manage.py migrate` gives it its rights. docs/operate/postgresql.md
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$RVM_ROLE_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'END'
CREATE ROLE rvm LOGIN PASSWORD :'password';
END
