#!/bin/sh
# Makes .venv from the first suitable Python of this machine. A command that exists may still fail (pyenv's shims do), so
# every candidate is run. Usage: requirements/venv.sh [PYTHON]
set -eu

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' >/dev/null 2>&1; }

if suitable .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
    exit 0
fi

found=""
without_venv=""
for candidate in ${1:-} python3 python3.12 python3.11; do
    suitable "$candidate" || continue
    if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        found=$candidate
        break
    fi
    without_venv=$candidate
done

if [ -z "$found" ] && [ -n "$without_venv" ]; then
    echo "$without_venv is suitable but lacks its venv module (Debian and Ubuntu: apt-get install python3-venv)." >&2
    exit 1
fi
if [ -z "$found" ]; then
    echo "No Python 3.11 or 3.12 was found (python3 is $(python3 --version 2>/dev/null || echo missing))." >&2
    echo "Install one (Debian 12: apt-get install python3 python3-venv), or name yours: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
fi

echo "Making .venv with $("$found" --version) ($(command -v "$found"))"
"$found" -m venv --clear .venv
