# A stand-in for gh with pull requests in the folder $GH, one set of files a branch, and the repository $ORIGIN.
# Files that steer it: ci (a word a look, the last stays), NAME.says (what a view says), create.fails, merge.fails,
# merge.sleeps (nothing happens), checks.hang (until it is gone), threads (how many are open).
unset KILL_AT
[ "$1 $2" = 'pr create' ] && [ -e "$GH/create.fails" ] && { echo 'GraphQL: something went wrong' >&2; exit 1; }
printf 'gh %s\n' "$(printf '%s' "$*" | tr '\n' ' ')" >>"$GH/log"
value() { # OPTION ARGUMENTS...: what follows the option
  option="$1"; shift
  while [ $# -gt 0 ]; do [ "$1" = "$option" ] && { printf '%s' "$2"; return; }; shift; done
}
says() { if [ -e "$GH/$1.says" ]; then cat "$GH/$1.says"; else printf '%s' "$2"; fi; }
tip() { git -C "$ORIGIN" rev-parse --verify --quiet "refs/heads/$1" || cat "$GH/$2.head"; }
url="https://github.com/o/r/pull"
case "$1 $2" in
"pr list")
  branch=$(value --head "$@"); key=$(printf '%s' "$branch" | tr / _)
  if [ -e "$GH/$key.number" ] && [ ! -e "$GH/$key.merged" ] && [ ! -e "$GH/$key.closed" ]; then
    n=$(cat "$GH/$key.number"); printf '[{"number":%s,"url":"%s/%s"}]\n' "$n" "$url" "$n"
  else echo '[]'; fi ;;
"pr create")
  branch=$(value --head "$@"); key=$(printf '%s' "$branch" | tr / _)
  if [ -e "$GH/$key.number" ] && [ ! -e "$GH/$key.merged" ] && [ ! -e "$GH/$key.closed" ]; then
    echo "a pull request for branch \"$branch\" already exists: $url/$(cat "$GH/$key.number")" >&2; exit 1
  fi
  n=$(($(ls "$GH" | grep -c '^branch\.') + 42))
  printf '%s' "$branch" >"$GH/branch.$n"; rm -f "$GH/$key.merged" "$GH/$key.closed"
  printf '%s' "$n" >"$GH/$key.number"; echo "$url/$n" ;;
"pr view")
  branch=$(cat "$GH/branch.$3") || exit 1
  key=$(printf '%s' "$branch" | tr / _); state=OPEN
  [ ! -e "$GH/$key.closed" ] || state=CLOSED
  [ ! -e "$GH/$key.merged" ] || state=MERGED
  printf '{"number":%s,"url":"%s/%s","state":"%s","mergeable":"%s","mergeStateStatus":"%s","reviewDecision":"%s","isDraft":%s,"headRefOid":"%s","baseRefName":"main"}\n' \
    "$3" "$url" "$3" "$state" "$(says mergeable MERGEABLE)" "$(says status CLEAN)" "$(says decision '')" "$(says draft false)" "$(tip "$branch" "$key")" ;;
"pr checks")
  while [ -e "$GH/checks.hang" ]; do sleep 0.02; done
  set -- $(cat "$GH/ci" 2>/dev/null || echo pass); ci=$1; shift
  [ $# -eq 0 ] || echo "$*" >"$GH/ci"
  if [ "$ci" = none ]; then echo "no checks reported on the 'x' branch" >&2; exit 1; fi
  [ "$ci" != broken ] || { echo 'connect: connection refused' >&2; exit 1; }
  printf '[{"name":"build","bucket":"%s","state":"X"},{"name":"never fail","bucket":"pass","state":"SUCCESS"}]\n' "$ci"
  case "$ci" in fail) exit 1 ;; pending) exit 8 ;; esac ;;
"pr merge")
  [ ! -e "$GH/merge.fails" ] || { echo 'GraphQL: Base branch was modified' >&2; exit 1; }
  [ ! -e "$GH/merge.sleeps" ] || exit 0
  branch=$(cat "$GH/branch.$3"); key=$(printf '%s' "$branch" | tr / _)
  until mkdir "$GH/merging" 2>/dev/null; do sleep 0.02; done
  trap 'rmdir "$GH/merging"' EXIT
  [ ! -e "$GH/$key.merged" ] || { echo "! Pull request #$3 was already merged" >&2; exit 1; }
  head=$(git -C "$ORIGIN" rev-parse "refs/heads/$branch"); printf '%s' "$head" >"$GH/$key.head"
  case "$*" in *"--match-head-commit=$head"*) ;; *) echo 'Head branch was modified' >&2; exit 1 ;; esac
  main=$(git -C "$ORIGIN" rev-parse refs/heads/main)
  tree=$(git -C "$ORIGIN" merge-tree --write-tree "$main" "$head") || { echo 'not mergeable' >&2; exit 1; }
  new=$(git -C "$ORIGIN" commit-tree "$tree" -p "$main" -m "squashed $branch (#$3)")
  git -C "$ORIGIN" update-ref refs/heads/main "$new" "$main" && touch "$GH/$key.merged"
  if [ -e "$GH/delete.fails" ]; then echo 'failed to delete local branch' >&2; exit 1; fi
  git -C "$ORIGIN" update-ref -d "refs/heads/$branch" ;;
"api graphql")
  nodes='{"isResolved":true}'
  for _ in $(seq "$(cat "$GH/threads" 2>/dev/null || echo 0)"); do nodes="$nodes,{\"isResolved\":false}"; done
  printf '{"data":{"repository":{"pullRequest":{"reviewThreads":{"nodes":[%s],"pageInfo":{"hasNextPage":false}}}}}}\n' "$nodes" ;;
*) echo "unknown command \"$*\" for \"gh\"" >&2; exit 1 ;;
esac
