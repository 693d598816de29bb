#!/usr/bin/env bash
# A virtual environment of its own for each foreign client that pins what we need newer: .foreign/NAME from the lock
# requirements/foreign-NAME.txt. Where it can't be made this says so, and the tests that need it are skipped; with
# CI=true that is a failure. A lock is renewed by: tools/foreign-venvs.sh lock sgid-0.3.0 sgid-client==0.3.0
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.venv/bin/uv

if [ "${1:-}" = lock ]; then
  printf '%s\n' "${@:3}" | $uv pip compile -q --no-header --no-annotate --generate-hashes --no-emit-index-url --universal \
    --python-version 3.11 --overrides requirements/foreign-overrides.txt - -o "requirements/foreign-$2.txt"
  exit
fi

failed=0
for lock in requirements/foreign-*.txt; do
  name=$(basename "$lock" .txt)
  name=${name#foreign-}
  ready=.foreign/$name/.ready
  if [ "$name" = overrides ] || { [ -f "$ready" ] && [ ! "$lock" -nt "$ready" ]; }; then
    continue
  fi
  echo "Making an environment for the foreign client $name ..."
  if $uv venv -q --clear -p .venv/bin/python ".foreign/$name" &&
    $uv pip install -q -p ".foreign/$name/bin/python" --require-hashes --no-deps -r "$lock"; then
    touch "$ready"
  else
    echo "The tests that need it are skipped: run tools/foreign-venvs.sh again when packages can be fetched."
    failed=1
  fi
done
if [ "${CI:-}" = true ]; then exit $failed; fi
