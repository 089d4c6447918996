#!/bin/sh
# Git runs this before a push once `git config core.hooksPath .githooks` is set. Put the project's tests here.
set -eu
cd "$(git rev-parse --show-toplevel)"
