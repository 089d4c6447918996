# An agent of the soak: takes a file, changes it on a branch of its own, brings that into main, gives the file back.
# $1: its number. WORK: the folder of all worktrees; HELD: who believes to hold which file, as links; STOP, WRONG: files.
me="agent-$1"; tree="$WORK/tree-$1"; cd "$tree" || exit 1
wrong() { echo "$me: $*" >>"$WRONG"; }
# A former life may have ended in the middle of anything.
rm -f "$(git rev-parse --git-path index.lock)"
for mark in "$HELD"/*; do [ "$(readlink "$mark")" = "$me" ] && rm -f "$mark"; done
file-lock release-task "$me" >/dev/null 2>&1

i=0
while [ ! -e "$STOP" ] && [ -d "$HELD" ]; do
  i=$((i + 1)); branch="$me-$$-$i"; file="f$((($$ + i * 7) % 12)).txt"
  file-lock acquire "$tree/$file" "$me" --across-worktrees --agent "$me" --pid $$ --timeout 1 >/dev/null 2>&1 || continue
  ln -s "$me" "$HELD/$file" 2>/dev/null || {
    other=$(readlink "$HELD/$file"); [ "$other" = "$me" ] || wrong "$file was granted, $other has it"
  }
  # By its id: git looks a name up twice here, and main may move between.
  if git checkout -q -f -B "$branch" "$(git rev-parse main)" 2>/dev/null; then
    stale-check snapshot "$me" "$tree/$file" --replace >/dev/null 2>&1 &&
      case "$(stale-check check "$me" 2>/dev/null)" in *'"stale":true'*) wrong "$file changed under the lock" ;; esac
    echo "$branch" >>"$tree/$file"
    if git commit -q -a -m "$branch" 2>/dev/null && merge-queue enqueue "$branch" >/dev/null 2>&1; then
      for _ in 1 2 3 4 5 6 7 8 9 10; do
        merge-queue process --wait 2 >/dev/null 2>&1
        git merge-base --is-ancestor "$branch" main && break
      done
    fi
  fi
  rm -f "$HELD/$file"
  file-lock release "$tree/$file" "$me" >/dev/null 2>&1 || wrong "$file could not be given back"
  sleep 0.05
done
