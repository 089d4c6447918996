#!/bin/sh
# Ends with 1 when a staged line looks like a credential.
set -eu
found=$(git diff --cached -U0 --no-color | grep -E '^\+' |
  grep -cE '(AKIA|ASIA)[0-9A-Z]{16}|gh[pos]_[0-9A-Za-z]{36}|-----BEGIN [A-Z ]*PRIVATE KEY-----' || true)
if [ "$found" -gt 0 ]; then
  echo "secrets-scan: $found staged line(s) look like credentials" >&2
  exit 1
fi
