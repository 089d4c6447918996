#!/bin/sh
# Ends with 1 when a variable that .env.example names is not set.
set -eu
missing=0
for name in $(sed -n 's/^\(export \)\{0,1\}\([A-Za-z_][A-Za-z0-9_]*\)=.*/\2/p' .env.example); do
  if [ -z "$(printenv "$name")" ]; then
    echo "env-var-audit: $name is not set" >&2
    missing=1
  fi
done
exit "$missing"
