#!/bin/sh
# Git runs this with the file of the message once `git config core.hooksPath .githooks` is set.
set -eu
subject=$(head -n 1 "$1")
if [ "${#subject}" -gt 72 ]; then
  echo "commit-msg: the first line has ${#subject} characters, at most 72" >&2
  exit 1
fi
