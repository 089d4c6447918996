#!/bin/sh
# Ends with 1 when a staged line adds a marker of work left undone.
set -eu
found=$(git diff --cached -U0 --no-color | grep -E '^\+' | grep -cwE 'TOD[O]|FIXM[E]' || true)
if [ "$found" -gt 0 ]; then
  echo "debt-check: $found staged line(s) leave work undone" >&2
  exit 1
fi
