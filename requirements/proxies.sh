#!/bin/sh
# Installs nginx and Caddy, which `make proxies` tries deploy/'s configurations with, where they are missing: as root on Debian, and
# without starting the services that the packages bring, which would listen on port 80.
set -eu

missing() { ! command -v nginx >/dev/null || ! command -v caddy >/dev/null; }
POLICY=/usr/sbin/policy-rc.d

if missing && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing nginx and caddy (a minute)"
    if [ ! -e "$POLICY" ]; then
        trap 'rm -f "$POLICY"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$POLICY"
        chmod 755 "$POLICY"
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx caddy >/dev/null
    # Where the machine is booted with systemd, the packages have put their services on the list for the next boot.
    [ ! -d /run/systemd/system ] || systemctl disable --quiet nginx caddy
fi
if missing; then
    echo "The proxies' tests need the commands nginx and caddy (Debian: apt-get install nginx caddy)." >&2
    exit 1
fi
