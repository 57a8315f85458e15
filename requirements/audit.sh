#!/bin/sh
# Compares all pinned packages with the known vulnerabilities that PyPI reports, and ends with 1 if there are any.
# Ends with 2 where PyPI's JSON API does not answer about them; nothing is known then.
set -eu
cd "$(dirname "$0")/.."

found=$(mktemp)
trap 'rm -f "$found"' EXIT
status=0
for list in dev e2e audit; do
    echo "requirements/$list.txt"
    .venv/bin/pip-audit --progress-spinner off --disable-pip --require-hashes -r "requirements/$list.txt" >"$found" 2>&1 || status=1
    if grep -qE "could not be audited|ConnectionError|ServiceError" "$found"; then
        echo "The JSON API of PyPI did not answer about $(grep -c 'could not be audited' "$found") packages" \
            "of requirements/$list.txt, so nothing is known about them. Run it where the internet is reachable." >&2
        exit 2
    fi
    cat "$found"
done
exit "$status"
