#!/bin/sh
# Git runs this before a commit once `git config core.hooksPath .githooks` is set.
set -eu
cd "$(git rev-parse --show-toplevel)"
if [ -x scripts/secrets-scan.sh ]; then
  scripts/secrets-scan.sh
fi
if [ -x scripts/debt-check.sh ]; then
  scripts/debt-check.sh
fi
