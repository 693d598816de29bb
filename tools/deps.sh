#!/usr/bin/env bash
# What the tests need beside Python. As root on Debian or Ubuntu it installs what is missing and says so;
# elsewhere it says how to get it, and the tests that need it are skipped. With CI=true missing is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
fc-list 2>/dev/null | grep -qi -e thai -e garuda -e loma -e sarabun || missing+=(fonts-thai-tlwg)
command -v redis-server >/dev/null || missing+=(redis-server redis-sentinel)
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing+=(postgresql)
command -v mariadbd >/dev/null || missing+=(mariadb-server)
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system packages for the tests: ${missing[*]} ..."
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" fontconfig >/dev/null
  else
    echo "For the tests install: ${missing[*]} (Debian and Ubuntu: sudo apt-get install ${missing[*]})."
    if [ "${CI:-}" = true ]; then exit 1; fi
  fi
fi

if command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; then
  if [ ! -f .deps-node ] || [ tests/foreign/package-lock.json -nt .deps-node ] || [ ! -d tests/foreign/node_modules ]; then
    echo "Installing the node packages of tests/foreign ..."
    (cd tests/foreign && npm ci --silent --no-audit --no-fund --ignore-scripts)
    touch .deps-node
  fi
else
  echo "For the tests against a certified OpenID provider install Node.js 20 or later."
  if [ "${CI:-}" = true ]; then exit 1; fi
fi

tools/foreign-venvs.sh
