#!/bin/sh
# The browser for `pytest -m e2e`: Debian's chromium, through apt. Does nothing when one is
# there. Needs root; without it, says what to install and fails.
set -eu

if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "e2e: no chromium found; install it (Debian: apt-get install chromium) or run this as root." >&2
    exit 1
fi
echo "e2e: installing Debian's chromium and Noto CJK fonts with apt-get (about 400 MB unpacked) …" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends chromium fonts-noto-cjk; } \
    >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
echo "e2e: $(chromium --version 2>/dev/null)" >&2
