#!/bin/sh
# Installs Chromium and its driver, which `make e2e` walks with, where they are missing: as root on Debian, whose package of the
# driver is of the browser's own version. Nothing else downloads a browser.
set -eu

missing() { ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; }

if missing && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing chromium and chromium-driver (some minutes)"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
fi
if missing; then
    echo "The walks in a browser need the commands chromium and chromedriver (Debian: apt-get install chromium chromium-driver)." >&2
    exit 1
fi
