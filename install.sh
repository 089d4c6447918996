#!/usr/bin/env bash
# Builds crewkit and installs it for daily use. Downloads nothing by itself (cargo fetches the crates in Cargo.lock).
#
#   ./install.sh [--prefix DIR] [--claude-home DIR] [--hooks FORM] [--no-hooks] [--dry-run] [--uninstall] [--profile NAME]
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./install.sh [options]

  --prefix DIR       where bin and share lie (default ~/.local)
  --claude-home DIR  the agent's folder: gets scripts, hooks, settings.json (default ~/.claude)
  --hooks FORM       hooks in settings.json: one (an entry an event, the default) or each (an entry a hook)
  --no-hooks         leaves settings.json alone
  --dry-run          builds, then says what would be done and does nothing
  --uninstall        takes away what was installed and puts back what was moved aside
  --profile NAME     cargo profile to build (default dist)
TEXT
}

die() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
profile=dist
prefix=${HOME:+$HOME/.local}
uninstall=
pass=()
while [ $# -gt 0 ]; do
  case $1 in
  --prefix | --claude-home | --hooks | --profile)
    if [ $# -lt 2 ] || [ -z "$2" ]; then die "$1 needs a value"; fi
    case $1 in
    --prefix) prefix=$2 ;;
    --profile) profile=$2 ;;
    esac
    [ "$1" = --profile ] || pass+=("$1" "$2")
    shift 2
    ;;
  --prefix=* | --claude-home=* | --hooks=* | --profile=*)
    set -- "${1%%=*}" "${1#*=}" "${@:2}"
    ;;
  --no-hooks | --dry-run)
    pass+=("$1")
    shift
    ;;
  --uninstall)
    uninstall=1
    pass+=("$1")
    shift
    ;;
  -h | --help)
    usage
    exit 0
    ;;
  *) die "unknown argument '$1' (see --help)" ;;
  esac
done
[ -n "${HOME:-}" ] || die "HOME is not set"

# The installed program can take itself away: nothing has to be built for that.
if [ -n "$uninstall" ] && [ -x "$prefix/bin/crewkit" ]; then
  exec "$prefix/bin/crewkit" setup "${pass[@]}"
fi

command -v cargo >/dev/null || die "cargo was not found: install Rust first (https://rustup.rs)"
rustc -vV >/dev/null 2>&1 || die "rustc does not run; with rustup: 'rustup default stable'"
command -v cc >/dev/null || die "a C compiler was not found: install gcc or clang first"

# Start-up is the product: musl starts fastest, then a static glibc, then what there is.
host=$(rustc -vV | sed -n 's/^host: //p')
musl=${host%-gnu}-musl
target=$host
flags=${RUSTFLAGS:-}
case $host in
*-linux-gnu)
  if command -v musl-gcc >/dev/null && [ -d "$(rustc --print sysroot)/lib/rustlib/$musl/lib" ]; then
    target=$musl
    export "CC_${musl//-/_}=musl-gcc"
  elif printf 'int main(void){return 0;}' | cc -static -x c -o /dev/null - 2>/dev/null; then
    flags="$flags -C target-feature=+crt-static"
  fi
  ;;
esac
folder=$profile
[ "$profile" != dev ] || folder=debug

printf 'building crewkit (%s, %s)\n' "$profile" "$target" >&2
(cd "$here" && RUSTFLAGS="$flags" cargo build --quiet --locked --profile "$profile" --target "$target" -p crewkit)
built=${CARGO_TARGET_DIR:-$here/target}/$target/$folder/crewkit
exec "$built" setup ${pass[@]+"${pass[@]}"}
