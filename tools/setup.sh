#!/usr/bin/env bash
# Makes .venv with everything of requirements/dev.txt and this project in it.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
  for name in python3.11 python3.12 python3.13 python3.14 python3; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      echo "$name"
      return
    fi
  done
  echo "Signon needs Python 3.11 or later, and none was found." >&2
  exit 1
}

python=$(find_python)
if [ ! -x .venv/bin/uv ]; then
  echo "Setting up .venv with $("$python" --version) ..."
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      echo "Installing the system package python$version-venv, which this Python needs to make environments ..."
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "python$version-venv" >/dev/null
    else
      echo "This Python can't make virtual environments: install the package python$version-venv." >&2
      exit 1
    fi
  fi
  "$python" -m venv --clear .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check uv
fi
.venv/bin/uv pip install -q -p .venv/bin/python --require-hashes --no-deps -r requirements/dev.txt
.venv/bin/uv pip install -q -p .venv/bin/python --no-deps --no-build-isolation -e .
touch .venv/.ready
