//! merge is killed at every call of git or gh; the next one goes on, and nothing is done twice.

use std::path::PathBuf;
use std::time::Duration;

use crewkit_tests::finish;

use super::Shop;

/// When it is killed, as seen from one of its calls.
#[derive(Debug, Clone, Copy)]
enum When {
    /// The program called has not begun.
    Before,
    /// It runs on after the kill.
    During,
    /// It has ended.
    After,
}

/// The program of this name in PATH.
fn real(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap()
}

/// Makes git and gh kill their caller at the call numbered `KILL_AT`, or at the first that begins with those words.
fn deadly(shop: &Shop) {
    let body = r#"
if [ -n "$KILL_AT" ]; then
  n=0; [ -e "$KILL_COUNT" ] && read -r n <"$KILL_COUNT"; n=$((n + 1)); echo "$n" >"$KILL_COUNT"
  fits=; case "NAME $*" in "$KILL_AT"*) fits=1 ;; esac
  if [ "$n" = "$KILL_AT" ] || [ -n "$fits" ]; then
    at="$KILL_AT"; unset KILL_AT
    case "$KILL_WHEN" in
      Before) kill -9 "$PPID"; exit 1 ;;
      During) kill -9 "$PPID" ;;
      After) 'REAL' "$@"; kill -9 "$PPID"; exit 1 ;;
    esac
  fi
fi
exec 'REAL' "$@""#;
    let gh = shop.crew.root().join("gh-itself");
    std::fs::rename(shop.crew.root().join("bin/gh"), &gh).unwrap();
    for (name, real) in [("git", real("git")), ("gh", gh)] {
        shop.crew.stub(name, &body.replace("NAME", name).replace("REAL", real.to_str().unwrap()));
    }
}

/// Merges a wave, killed at the call numbered or beginning with `at`; whether it was killed.
fn killed(shop: &Shop, wave: u32, at: &str, when: When) -> bool {
    let count = shop.crew.root().join("count");
    let _ = std::fs::remove_file(&count);
    let mut call = shop.crew.tool("wave-worktree");
    call.current_dir(&shop.top).args(["merge", "1", &wave.to_string()]);
    call.env("KILL_AT", at).env("KILL_WHEN", format!("{when:?}")).env("KILL_COUNT", &count);
    let ended = finish(&mut call, None);
    assert!([0, 128 + 9].contains(&ended.code), "{at} {when:?}: {ended:?}");
    ended.code != 0
}

/// One wave for every `stride`th call, beginning with `first`.
#[track_caller]
fn at_each_call(first: usize, stride: usize) {
    let shop = Shop::new();
    deadly(&shop);
    let mut kills = 0;
    for at in (first..).step_by(stride) {
        let (wave, code) = (u32::try_from(100 + at).unwrap(), format!("K{at}"));
        shop.wave(wave, &code, "killed");
        shop.begun(wave, &code);
        let was_killed = killed(&shop, wave, &at.to_string(), When::Before);
        if was_killed {
            let told = shop.tool(["merge", "1", &wave.to_string()]);
            assert_eq!(told.code, 0, "{at}: {told:?}");
            kills += 1;
        }
        shop.landed_whole(wave, &code);
        // Beyond the calls of wave-worktree itself come those of worktree-cleanup, whose end it survives.
        let count = std::fs::read_to_string(shop.crew.root().join("count")).unwrap();
        if !was_killed && count.trim().parse::<usize>().unwrap() < at {
            break;
        }
    }
    assert!(kills * stride > 20, "{kills}");
}

#[test]
fn killed_before_each_call_1() {
    at_each_call(1, 3);
}

#[test]
fn killed_before_each_call_2() {
    at_each_call(2, 3);
}

#[test]
fn killed_before_each_call_3() {
    at_each_call(3, 3);
}

#[track_caller]
fn at_the_calls_that_change_something(when: When) {
    let shop = Shop::new();
    deadly(&shop);
    let calls = [
        "git add",
        "git commit",
        "git push --set-upstream",
        "gh pr create",
        "gh pr merge",
        "git worktree remove",
        "git branch",
    ];
    for (number, at) in calls.into_iter().enumerate() {
        let (wave, code) = (u32::try_from(100 + number).unwrap(), format!("K{number}"));
        shop.wave(wave, &code, "killed");
        shop.begun(wave, &code);
        let commits = || shop.crew.git(&shop.top, &["rev-list", "--count", &format!("origin/main..plan/1-{code}")]);
        if killed(&shop, wave, at, when) {
            // What was called when it was killed may need a moment to end.
            std::thread::sleep(Duration::from_millis(200));
            if at == "git push --set-upstream" || at == "gh pr create" {
                assert_eq!(commits(), "1", "{at} {when:?}");
            }
            let told = shop.tool(["merge", "1", &wave.to_string()]);
            assert_eq!(told.code, 0, "{at} {when:?}: {told:?}");
        }
        shop.landed_whole(wave, &code);
    }
}

#[test]
fn killed_while_a_change_goes_on() {
    at_the_calls_that_change_something(When::During);
}

#[test]
fn killed_after_a_change() {
    at_the_calls_that_change_something(When::After);
}
