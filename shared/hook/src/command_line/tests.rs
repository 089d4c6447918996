use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn top(directory: &Path) -> Option<PathBuf> {
    directory.starts_with("/w").then(|| "/top".into())
}

fn places() -> Places<'static> {
    Places { start: Path::new("/w"), home: Some(Path::new("/home/al")), top: &top }
}

/// Commands joined by ` ; `; `«»` around a word with blanks, `$` before a substituted command, `<` and `>` where its
/// input or output is a pipe, `@` and the directory where that is not the line's.
fn shown(line: &str) -> String {
    let read = read(line);
    assert!(read.is_complete(), "{line}");
    let mut out = String::new();
    for command in read.commands() {
        if !out.is_empty() {
            out.push_str(" ; ");
        }
        for (set, mark) in [(command.substituted(), '$'), (command.piped_from(), '<')] {
            if set {
                out.push(mark);
            }
        }
        for (at, word) in command.words().iter().enumerate() {
            let plain = !word.is_empty() && !word.contains([' ', '\n', ';', '«']);
            let blank = if at == 0 { "" } else { " " };
            let _ =
                if plain { write!(out, "{blank}{}", word.text()) } else { write!(out, "{blank}«{}»", word.text()) };
        }
        if command.piped_to() {
            out.push('>');
        }
        match command.directory(&places()) {
            Some(directory) if directory == Path::new("/w") => {}
            Some(directory) => drop(write!(out, " @{}", directory.display())),
            None => out.push_str(" @?"),
        }
    }
    out
}

/// Lines as agents write them, and what a shell would run.
const LINES: &[(&str, &str)] = &[
    // Words and quotes.
    ("", ""),
    ("   \t ", ""),
    ("git status", "git status"),
    ("  git   status  ", "git status"),
    ("git\tstatus\n", "git status"),
    ("git status\r\n", "git status"),
    ("git commit -m 'a b'", "git commit -m «a b»"),
    ("git commit -m \"a b\"", "git commit -m «a b»"),
    ("git commit -m \"say \\\"hi\\\" \\\\ \\x \\$HOME\"", "git commit -m «say \"hi\" \\ \\x $HOME»"),
    ("git commit -m 'it'\\''s'", "git commit -m it's"),
    ("git commit -m \"it's; git push\"", "git commit -m «it's; git push»"),
    ("git commit -m 'a && git push | x'", "git commit -m «a && git push | x»"),
    ("g\"i\"t 'st'at\\us", "git status"),
    ("\\git status", "git status"),
    ("/usr/bin/git status", "/usr/bin/git status"),
    ("git commit -m ''", "git commit -m «»"),
    ("git commit -m \"\"x", "git commit -m x"),
    ("echo $'a\\tb\\x41\\101\\u00e9\\'c'", "echo a\tbAAé'c"),
    ("echo $\"a b\"", "echo «a b»"),
    ("echo a\\ b", "echo «a b»"),
    ("echo \\", "echo \\"),
    ("echo 'open", "echo open"),
    ("echo \"open", "echo open"),
    ("echo żółw 日本 \\é \"ż\\ó\"", "echo żółw 日本 é ż\\ó"),
    ("git commit \\\n  -m x", "git commit -m x"),
    ("git com\\\nmit", "git commit"),
    ("echo \"a\\\nb\"", "echo ab"),
    ("echo 'a\\\nb'", "echo «a\\\nb»"),
    ("echo a#b # git push", "echo a#b"),
    ("# git push", ""),
    ("# git push\ngit pull", "git pull"),
    ("git log # it's fine\ngit pull", "git log ; git pull"),
    ("git log;# x", "git log"),
    (
        "git show HEAD^{commit} stash@{0} a{b,c} x{1..3} [ab] ?",
        "git show HEAD^{commit} stash@{0} a{b,c} x{1..3} [ab] ?",
    ),
    // Lists and pipelines.
    ("git add . && git commit -m x", "git add . ; git commit -m x"),
    ("git add .&&git commit -m x", "git add . ; git commit -m x"),
    ("git pull || git fetch", "git pull ; git fetch"),
    ("git add .; git commit -m x;", "git add . ; git commit -m x"),
    ("git add .\ngit commit -m x", "git add . ; git commit -m x"),
    ("git log | head", "git log> ; <head"),
    ("git log|head|tail", "git log> ; <head> ; <tail"),
    ("git log |& head", "git log> ; <head"),
    ("git log |\n head", "git log> ; <head"),
    ("git log | # the last\n head && ls", "git log> ; <head ; ls"),
    ("a || b | c", "a ; b> ; <c"),
    ("npm start & git status", "npm start ; git status"),
    ("npm start &\ngit status &", "npm start ; git status"),
    ("&& git status", "git status"),
    ("| git status", "git status"),
    ("; ; git status", "git status"),
    ("git status )", "git status"),
    ("echo git push; echo 'git push'", "echo git push ; echo «git push»"),
    ("! git diff --quiet", "git diff --quiet"),
    // Assignments and redirections.
    ("CI=1 npm test", "npm test"),
    ("A=1 B='x y' C=$(git rev-parse HEAD) make", "$git rev-parse HEAD ; make"),
    ("A=1", ""),
    ("A=1; make", "make"),
    ("A+=x make", "make"),
    ("A[1]=x make", "make"),
    ("A=(a b $(git log) 'c)' ) ; make", "$git log ; make"),
    ("A=() make", "make"),
    ("1A=x make", "1A=x make"),
    ("make A=1", "make A=1"),
    ("git log > out.txt", "git log"),
    ("git log >out.txt 2>&1", "git log"),
    ("git log 2>/dev/null | head", "git log> ; <head"),
    ("git log &> all.txt; ls", "git log ; ls"),
    ("git log &>> all.txt && ls", "git log ; ls"),
    ("git log >& all.txt", "git log"),
    ("git log >| x", "git log"),
    ("> x git log", "git log"),
    ("< in.txt sort > out.txt", "sort"),
    ("exec 3>&1", "exec"),
    ("echo a >&2", "echo a"),
    ("echo '->' \"2>&1\"", "echo -> 2>&1"),
    ("echo x2>y", "echo x2"),
    ("echo 2 >y", "echo 2"),
    ("> out", ""),
    // Substitutions.
    ("echo $(git push)", "$git push ; echo «$(git push)»"),
    ("echo \"$(git push)\"", "$git push ; echo «$(git push)»"),
    ("echo '$(git push)'", "echo «$(git push)»"),
    ("echo `git push`", "$git push ; echo «`git push`»"),
    ("echo \"a `git log \\`pwd\\`` b\"", "$pwd ; $git log `pwd` ; echo «a `git log \\`pwd\\`` b»"),
    ("echo \\$(git push)", "echo «$(git push)»"),
    ("echo \"\\$(git push) \\`git push\\`\"", "echo «$(git push) `git push`»"),
    ("echo $(git log | head) | cat", "$git log> ; $<head ; echo «$(git log | head)»> ; <cat"),
    (
        "echo $(echo $(echo $(git push)))",
        "$git push ; $echo «$(git push)» ; $echo «$(echo $(git push))» ; echo «$(echo $(echo $(git push)))»",
    ),
    ("diff <(git show a) <(git show b)", "$git show a ; $git show b ; diff «<(git show a)» «<(git show b)»"),
    ("git log > >(tee log)", "$tee log ; git log"),
    ("echo ${X:-$(git push)}", "$git push ; echo «${X:-$(git push)}»"),
    ("echo \"${X:-`git push`}\"", "$git push ; echo «${X:-`git push`}»"),
    ("echo ${#A[@]} ${X//'}'/x} ${Y}", "echo ${#A[@]} ${X//'}'/x} ${Y}"),
    ("echo $((1 + (2 * 3))) $((x<<2))", "echo «$((1 + (2 * 3)))» $((x<<2))"),
    (
        "echo $(( $(git rev-list --count HEAD) + 1 ))",
        "$git rev-list --count HEAD ; echo «$(( $(git rev-list --count HEAD) + 1 ))»",
    ),
    ("echo $((git log); git push)", "$git log ; $git push ; echo «$((git log); git push)»"),
    ("((x = 1 << 2)); git log", "git log"),
    ("((git log); git push)", "git log ; git push"),
    ("echo $X $1 $@ $? $$ $", "echo $X $1 $@ $? $$ $"),
    (
        "echo \"$(cat <<'EOF'\na ) ' \" git push\nEOF\n)\"; ls",
        "$cat ; echo «$(cat <<'EOF'\na ) ' \" git push\nEOF\n)» ; ls",
    ),
    // Groups and compound commands.
    ("(git add .; git commit -m x) && git push", "git add . ; git commit -m x ; git push"),
    ("( git log )", "git log"),
    ("{ git add .; git commit -m x; } && git push", "git add . ; git commit -m x ; git push"),
    ("{ git log; git status; } | head", "git log> ; git status> ; <head"),
    ("(git log; git status) 2>&1 | head", "git log> ; git status> ; <head"),
    ("{ git log; } > out 2>&1; ls", "git log ; ls"),
    ("echo {a,b} }", "echo {a,b} }"),
    ("cat f | { read x; git log; }", "cat f> ; <read x ; <git log"),
    ("cat f | while read x; do git log $x; done | head", "cat f> ; <read x> ; <git log $x> ; <head"),
    ("if git diff --quiet; then git push; else git commit -m x; fi", "git diff --quiet ; git push ; git commit -m x"),
    ("if [ -f x ]; then\n  git push\nelif test y\nthen git pull\nfi", "[ -f x ] ; git push ; test y ; git pull"),
    ("if [[ -f x && $# -gt 0 || a < b ]]; then git push; fi", "git push"),
    ("[[ $x =~ ^(a|b)$ ]] && git push", "git push"),
    ("[[ \"$(git log)\" == x ]] || git push", "$git log ; git push"),
    ("for f in a b $(git ls-files); do git add $f; done", "$git ls-files ; git add $f"),
    ("for f in *; do\n git add \"$f\"\ndone\ngit push", "git add $f ; git push"),
    ("for ((i=0; i<3; i++)); do git log; done; ls", "git log ; ls"),
    ("for f; do git log; done", "git log"),
    ("while ! git push; do sleep 1; done", "git push ; sleep 1"),
    ("until git push\ndo\nsleep 1\ndone", "git push ; sleep 1"),
    ("while read l; do git log; done < <(git branch)", "read l ; git log ; $git branch"),
    ("case $x in a) git push;; b|c) git pull ;; *) echo git; esac; ls", "git push ; git pull ; echo git ; ls"),
    ("case x in (a) git push ;; esac", "git push"),
    (
        "case \"$1\" in\n  a*)\n    git push\n    ;;\n  *)\n    git pull\n    ;;&\nesac\ngit log",
        "git push ; git pull ; git log",
    ),
    ("echo $(case x in a) git push;; esac) done", "$git push ; echo «$(case x in a) git push;; esac)» done"),
    ("case x in esac; git log", "git log"),
    ("f() { git push; }; f", "git push ; f"),
    ("f () { git push; }\nf", "git push ; f"),
    ("function f { git push; }; f", "git push ; f"),
    ("function f() { git push; }; f", "git push ; f"),
    ("f() (git push); f", "git push ; f"),
    ("echo if then fi done { }", "echo if then fi done { }"),
    ("time git push", "git push"),
    ("time -p git push", "git push"),
    ("time { git push; git pull; }", "git push ; git pull"),
    ("ls *.@(a|b) x(y) && git push", "ls *.@(a|b) x(y) ; git push"),
    ("coproc git push", "git push"),
    // Here-documents.
    ("cat <<EOF\ngit push\nEOF\ngit log", "cat ; git log"),
    ("cat <<'EOF' > f; git log\n$(git push)\nEOF\nls", "cat ; git log ; ls"),
    ("cat <<-EOF\n\tgit push\n\tEOF\nls", "cat ; ls"),
    ("cat <<-\"E F\" | wc\n\tgit push\n\tE F\nls", "cat> ; <wc ; ls"),
    ("cat << EOF\n$(git push) `git pull` \\$(git no) 'x\nEOF\nls", "cat ; $git push ; $git pull ; ls"),
    ("cat <<A <<B\ngit a\nA\ngit b\nB\nls", "cat ; ls"),
    ("cat <<\\EOF\n$(git push)\nEOF\nls", "cat ; ls"),
    ("cat <<EOF\nno end\n EOF\nEOF x\n", "cat"),
    ("cat <<EOF", "cat"),
    ("git commit -F - <<EOF && git push\nmessage; git pull\nEOF", "git commit -F - ; git push"),
    (
        "git commit -m \"$(cat <<'EOF'\nAdd a thing (it's new)\n\ngit push `x` $(y)\nEOF\n)\" && git push",
        "$cat ; git commit -m «$(cat <<'EOF'\nAdd a thing (it's new)\n\ngit push `x` $(y)\nEOF\n)» ; git push",
    ),
    ("x=$(cat <<EOF\ngit push\nEOF) && git log", "$cat ; git log"),
    ("cat <<EOF | bash\ngit push\nEOF", "cat> ; <bash"),
    ("bash <<'EOF'\ncd /x\ngit push\nEOF\ngit log", "bash ; cd /x ; git push @/x ; git log"),
    ("bash -s a b <<EOF\ngit push\nEOF", "bash -s a b ; git push"),
    ("bash script.sh <<EOF\ngit push\nEOF", "bash script.sh"),
    ("ssh host <<EOF\ngit push\nEOF", "ssh host"),
    ("python3 - <<'EOF'\nimport os; os.system('git push')\nEOF", "python3 -"),
    ("bash <<< 'git push'", "bash ; git push"),
    ("grep x <<< 'git push'", "grep x"),
    ("if true; then cat <<EOF\ngit x\nEOF\ngit log\nfi", "true ; cat ; git log"),
    // Wrappers.
    ("sudo git push", "git push"),
    ("sudo -u al -E git push", "git push"),
    ("sudo --user=al -- git push", "git push"),
    ("sudo --user al A=b git push", "git push"),
    ("sudo -l git", "sudo -l git"),
    ("env git push", "git push"),
    ("env -i A=b C='d e' git push", "git push"),
    ("env -u X -C /d git push", "git push @/d"),
    ("env --chdir=sub git push", "git push @/w/sub"),
    ("env", "env"),
    ("env A=b", "env A=b"),
    ("nice -n 5 git gc", "git gc"),
    ("nice -10 git gc", "git gc"),
    ("nohup git push &", "git push"),
    ("timeout 10 git push", "git push"),
    ("timeout -k 5 --signal KILL 10s git push", "git push"),
    ("command git push", "git push"),
    ("command -v git", "command -v git"),
    ("exec git push", "git push"),
    ("stdbuf -oL -e 0 git push", "git push"),
    ("xargs git push", "git push"),
    ("git ls-files | xargs -0 -n 1 -I{} git add {}", "git ls-files> ; <git add {}"),
    ("xargs -n1 -P4 rm -rf", "rm -rf"),
    ("sudo env A=b nice time -p git push", "git push"),
    ("A=b sudo -n env C=d git push", "git push"),
    ("flock /tmp/l git push", "git push"),
    ("flock -w 5 /tmp/l -c 'git push; ls'", "-c «git push; ls» ; git push ; ls"),
    ("busybox sh -c 'git push'", "sh -c «git push» ; git push"),
    ("echo sudo git push", "echo sudo git push"),
    // Text that is read as commands.
    ("bash -c 'git push && git pull'", "bash -c «git push && git pull» ; git push ; git pull"),
    ("bash -c \"git push\" | head", "bash -c «git push»> ; git push> ; <head"),
    ("sh -lc 'git push' x y", "sh -lc «git push» x y ; git push"),
    ("bash -euo pipefail -c 'git push'", "bash -euo pipefail -c «git push» ; git push"),
    ("zsh -o errexit -c 'git push'; ls", "zsh -o errexit -c «git push» ; git push ; ls"),
    ("bash --norc --rcfile f -c 'git push'", "bash --norc --rcfile f -c «git push» ; git push"),
    ("sudo bash -c 'cd /x; git push'; git log", "bash -c «cd /x; git push» ; cd /x ; git push @/x ; git log"),
    ("bash -c 'bash -c \"git push\"'", "bash -c «bash -c \"git push\"» ; bash -c «git push» ; git push"),
    ("bash -c git push", "bash -c git push ; git"),
    ("bash run.sh -c 'git push'", "bash run.sh -c «git push»"),
    ("su -c 'git push' al", "su -c «git push» al ; git push"),
    ("eval git push", "eval git push ; git push"),
    ("eval 'cd /x'; git push", "eval «cd /x» ; cd /x ; git push @/x"),
    ("eval \"git 'push'\"", "eval «git 'push'» ; git push"),
    ("trap 'git push' EXIT", "trap «git push» EXIT ; git push"),
    ("find . -name x -exec git add {} \\; -print", "find . -name x -exec git add {} «;» -print ; git add {}"),
    (
        "find . -exec sh -c 'git add \"$1\"' _ {} +",
        "find . -exec sh -c «git add \"$1\"» _ {} + ; sh -c «git add \"$1\"» _ {} ; git add $1",
    ),
    ("xargs -I{} sh -c 'git add {}'", "sh -c «git add {}» ; git add {}"),
    ("ssh host 'git push'", "ssh host «git push»"),
    ("docker exec c git push", "docker exec c git push"),
    // Directories.
    ("cd sub && git log", "cd sub ; git log @/w/sub"),
    ("cd sub; cd ..; git log", "cd sub ; cd .. @/w/sub ; git log @/w/sub/.."),
    ("cd /a/b && git log", "cd /a/b ; git log @/a/b"),
    ("cd \"/a b\" && git log", "cd «/a b» ; git log @/a b"),
    ("cd -- /a && git log", "cd -- /a ; git log @/a"),
    ("cd -P /a && git log", "cd -P /a ; git log @/a"),
    ("cd && git log", "cd ; git log @/home/al"),
    ("cd ~ && git log", "cd ~ ; git log @/home/al"),
    ("cd ~/x && git log", "cd ~/x ; git log @/home/al/x"),
    ("cd '~/x' && git log", "cd ~/x ; git log @/w/~/x"),
    ("cd ~bob && git log", "cd ~bob ; git log @?"),
    ("cd $HOME/x && git log", "cd $HOME/x ; git log @/home/al/x"),
    ("cd \"${HOME}/x y\" && git log", "cd «${HOME}/x y» ; git log @/home/al/x y"),
    ("cd $PWD/x && git log", "cd $PWD/x ; git log @/w/x"),
    ("cd a && cd \"$(pwd)/b\" && git log", "cd a ; $pwd @/w/a ; cd $(pwd)/b @/w/a ; git log @/w/a/b"),
    (
        "cd \"$(git rev-parse --show-toplevel)\" && git log",
        "$git rev-parse --show-toplevel ; cd «$(git rev-parse --show-toplevel)» ; git log @/top",
    ),
    ("cd $X && git log", "cd $X ; git log @?"),
    ("cd $X; cd /y; git log", "cd $X ; cd /y @? ; git log @/y"),
    ("cd '$X' && git log", "cd $X ; git log @/w/$X"),
    ("cd a*; git log", "cd a* ; git log @?"),
    ("cd a; cd -; git log", "cd a ; cd - @/w/a ; git log"),
    ("pushd a; git log; popd; git log", "pushd a ; git log @/w/a ; popd @/w/a ; git log"),
    ("(cd a && git log); git log", "cd a ; git log @/w/a ; git log"),
    ("{ cd a; git log; }; git log", "cd a ; git log @/w/a ; git log @/w/a"),
    ("echo $(cd a; git log); git log", "$cd a ; $git log @/w/a ; echo «$(cd a; git log)» ; git log"),
    ("cd a | cat; git log", "cd a> ; <cat ; git log"),
    ("cd a & git log", "cd a ; git log"),
    ("cd a || exit 1; git log", "cd a ; exit 1 @/w/a ; git log @/w/a"),
    ("cd a || cd b; git log", "cd a ; cd b @/w/a ; git log @/w/a"),
    ("cd a ||\n  cd b\ngit log", "cd a ; cd b @/w/a ; git log @/w/a"),
    ("cd a &&\ngit log", "cd a ; git log @/w/a"),
    ("f() { cd a; git push; }; git log", "cd a ; git push @/w/a ; git log"),
    ("ls | while read d; do cd $d; done; git log", "ls> ; <read d ; <cd $d ; git log"),
    ("if cd a; then git log; fi; git push", "cd a ; git log @/w/a ; git push @/w/a"),
    // Variables that the line sets.
    ("D=../x; git worktree add \"$D\"", "git worktree add ../x"),
    ("D=../x && git worktree add ${D}/y", "git worktree add ../x/y"),
    ("export D=/x; cd $D && git log", "export D=/x ; cd /x ; git log @/x"),
    ("D=\"$HOME/x\"; cd \"$D/y\"; git log", "cd $HOME/x/y ; git log @/home/al/x/y"),
    ("D=$(pwd); git -C \"$D/x\" log", "$pwd ; git -C $(pwd)/x log"),
    ("D=$(pwd); cd a; cd $D; git log", "$pwd ; cd a ; cd $D @/w/a ; git log @?"),
    ("D='a b'; cd $D", "cd $D"),
    ("D=a; D=b; cd $D", "cd b"),
    ("D=a; if x; then D=b; fi; cd $D", "x ; cd $D"),
    ("for D in a b; do cd $D; done", "cd $D"),
    ("D=a; read D; cd $D", "read D ; cd $D"),
    ("D=a; (D=b; cd $D); cd $D", "cd b ; cd a"),
    ("D=a make; cd $D", "make ; cd $D"),
    ("D=a; bash -c 'cd $D'", "bash -c «cd $D» ; cd $D"),
    ("D=/x; eval cd $D; git log", "eval cd /x ; cd /x ; git log @/x"),
    ("D=$X; cd $D", "cd $D"),
    ("D=a; cd '$D' \"\\$D\" $D$D", "cd $D $D aa"),
    ("eval 'D=/x'; cd $D && git log", "eval D=/x ; cd /x ; git log @/x"),
    ("D=a; eval D=$X; cd $D", "eval D=$X ; cd $D"),
    ("eval pushd a; popd; git log", "eval pushd a ; pushd a ; popd @/w/a ; git log"),
    ("D=a; (unset D; cd $D); cd $D", "unset D ; cd $D ; cd a"),
    ("D=a; echo `read D; ls $D`; ls $D", "$read D ; $ls $D ; echo «`read D; ls $D`» ; ls a"),
    ("D=$(pwd); (cd a; ls $D); cd \"$D/b\"; git log", "$pwd ; cd a ; ls $D @/w/a ; cd $(pwd)/b ; git log @/w/b"),
    ("if x; then (D=a; cd $D); fi; cd $D", "x ; cd a ; cd $D"),
    ("A=1 find . -exec ; ls $A", "find . -exec ; ls $A"),
    // Groups within each other.
    ("{ a; { b; } ; (c | d); e $(f); } | g", "a> ; b> ; c> ; <d> ; $f ; e $(f)> ; <g"),
    ("{ a; } | { b; eval 'c; d'; }; e", "a> ; <b ; <eval «c; d» ; <c ; <d ; e"),
    ("{ find -exec sh -c a \\; ; } | b", "find -exec sh -c a «;»> ; sh -c a> ; a> ; <b"),
];

#[test]
fn lines_are_read_as_a_shell_would_run_them() {
    let wrong: Vec<String> = LINES
        .iter()
        .map(|(line, wanted)| (line, wanted, shown(line)))
        .filter(|(_, wanted, seen)| *wanted != seen)
        .map(|(line, wanted, seen)| format!("{line:?}\n  want {wanted:?}\n  got  {seen:?}"))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), LINES.len(), wrong.join("\n"));
    assert!(LINES.len() > 150);
}

#[test]
fn the_same_lines_are_read_alike_within_other_text() {
    for (line, wanted) in LINES.iter().filter(|(line, _)| !line.ends_with("<<EOF") && !line.contains("no end")) {
        if wanted.is_empty() || line.contains(['\'', '\\']) || line.contains("<<") {
            continue;
        }
        let count = |line: &str| read(line).commands().len();
        assert_eq!(count(&format!("bash -c '{line}\n'")), count(line) + 1, "{line}");
        assert_eq!(count(&format!("bash <<'E'\n{line}\nE\n")), count(line) + 1, "{line}");
        if !line.contains("status )") {
            assert_eq!(count(&format!("(\n{line}\n)")), count(line), "{line}");
            assert_eq!(count(&format!("echo \"$(\n{line}\n)\"")), count(line) + 1, "{line}");
        }
    }
}

#[test]
fn words_know_what_they_are() {
    for (line, literal, quoted) in [
        ("x", true, false),
        ("'x'", true, true),
        ("\\x", true, true),
        ("\"x\"", true, true),
        ("\"$x\"", false, true),
        ("'$x'", true, true),
        ("\\$x", true, true),
        ("$x", false, false),
        ("x$(y)", false, false),
        ("`y`", false, false),
        ("*.rs", false, false),
        ("'*.rs'", true, true),
        ("a[1]", false, false),
        ("a]", true, false),
        ("{a,b}", false, false),
        ("{a}", true, false),
        ("@{u}", true, false),
        ("~/x", false, false),
        ("a~", true, false),
        ("$", true, false),
        ("a=b", true, false),
    ] {
        let line = format!("echo {line}");
        let line = read(&line);
        let word = line.commands().next_back().unwrap().words().get(1).unwrap();
        assert_eq!((word.is_literal(), word.is_quoted()), (literal, quoted), "{word:?}");
    }
}

#[test]
fn assignments_and_redirections_are_kept() {
    let line = read("A=1 B=\"x y\" env C=$D git log 2>&1 >>'o ut' <in 3<>x");
    let command = line.commands().next().unwrap();
    let seen: Vec<_> = command.assignments().map(|one| (one.name, one.value.text())).collect();
    assert_eq!(seen, [("C", "$D"), ("B", "x y"), ("A", "1")]);
    assert_eq!(command.variable("B").map(Word::is_literal), Some(true));
    assert_eq!(command.variable("C").map(Word::is_literal), Some(false));
    let seen: Vec<_> = command.redirections().map(|one| (one.descriptor, one.operator, one.target.text())).collect();
    assert_eq!(
        seen,
        [
            (Some(2), Operator::Duplicate, "1"),
            (None, Operator::Append, "o ut"),
            (None, Operator::Read, "in"),
            (Some(3), Operator::Read, "x")
        ]
    );
}

#[test]
fn a_file_that_gets_the_output_is_found() {
    for (line, wanted) in [
        ("echo a > f", Some("f")),
        ("echo a >> f", Some("f")),
        ("echo a >| f 2>&1", Some("f")),
        ("echo a 1>f", Some("f")),
        ("echo a &> f", Some("f")),
        ("echo a >& f", Some("f")),
        ("cat <<EOF > f\nx\nEOF", Some("f")),
        ("cat > f <<EOF\nx\nEOF", Some("f")),
        ("echo a 2> f", None),
        ("echo a 2>&1", None),
        ("echo a >&2", None),
        ("echo a > f >&2", None),
        ("echo a > /dev/null", None),
        ("echo a > /dev/null 2>&1", None),
        ("echo '> f'", None),
        ("cat < f", None),
    ] {
        let line = read(line);
        let file = line.commands().next().unwrap().output_file();
        assert_eq!(file.map(Word::text), wanted, "{line:?}");
    }
}

#[test]
fn the_source_begins_at_the_program() {
    let line = read("cd x && A=1 sudo git  push 'a b' 2>&1 | head; bash -c 'git pull  -q'");
    let sources: Vec<_> = line.commands().map(Command::source).collect();
    assert_eq!(sources, ["cd x", "git  push 'a b' 2>&1", "head", "bash -c 'git pull  -q'", "git pull  -q"]);
}

#[test]
fn git_is_read_with_its_options() {
    for (line, subcommand, arguments, directory) in [
        ("git", "", &[][..], "/w"),
        ("git --version", "", &[], "/w"),
        ("git status", "status", &[], "/w"),
        ("git -C sub status -s", "status", &["-s"], "/w/sub"),
        ("git -C a -C b -C /c -C d log", "log", &[], "/c/d"),
        ("git -C '' log", "log", &[], "/w"),
        ("git --no-pager -P -c a.b=c log -C x", "log", &["-C", "x"], "/w"),
        ("git --git-dir=.git --work-tree . add x", "add", &["x"], "/w"),
        ("git --git-dir .git --bare add x", "add", &["x"], "/w"),
        ("git --exec-path add", "add", &[], "/w"),
        ("git --config-env a=b --namespace n push", "push", &[], "/w"),
        ("cd x && git -C y push", "push", &[], "/w/x/y"),
        ("/opt/bin/git -C ~/z push", "push", &[], "/home/al/z"),
        ("sudo git -C \"$PWD/z\" push", "push", &[], "/w/z"),
    ] {
        let line = read(line);
        let git = line.commands().next_back().unwrap().git().unwrap();
        let seen: Vec<_> = git.arguments.iter().map(Word::text).collect();
        assert_eq!((git.subcommand, &seen[..]), (subcommand, arguments), "{line:?}");
        assert_eq!(git.directory(&places()), Some(directory.into()), "{line:?}");
    }
    for (line, directory) in
        [("cd $X; git -C /y log", Some("/y")), ("cd $X; git -C y log", None), ("git -C $X log", None)]
    {
        let line = read(line);
        assert_eq!(
            line.commands().next_back().unwrap().git().unwrap().directory(&places()),
            directory.map(PathBuf::from)
        );
    }
    let line = read("GIT_DIR=/a/.git GIT_WORK_TREE=t git --git-dir=/b/.git log");
    let git = line.commands().next().unwrap().git().unwrap();
    assert_eq!(git.git_dir(&places()), Some("/b/.git".into()));
    assert_eq!(git.work_tree(&places()), Some("/w/t".into()));
    for other in ["echo git push", "gitk", "hub push", "git.sh x"] {
        assert!(read(other).commands().next().unwrap().git().is_none());
    }
}

#[test]
fn every_line_takes_linear_time_and_little_stack() {
    let many = |text: &str| text.repeat(100_000 / text.len());
    let lines: Vec<String> = [
        "(",
        "$(",
        "`",
        "\"$(",
        "{ ",
        "${",
        "$((",
        "((",
        "<(",
        "<<E\n",
        "if ",
        "case x in a) ",
        "f() ",
        "a|",
        "a;",
        "a&&",
        "(a)|",
        "cd x;",
        "A=x;",
        "A=x $A;",
        "'a'\"b\"$c`d`",
        "\\\n",
        "eval eval ",
        "eval \"$(",
        "bash -c 'a';",
        "find -exec ",
        "<<a <<b\n",
        "x=(",
        "[[ ",
        "for x in ",
        "}",
        ")",
        "esac ",
        "é",
        "time ",
        "sudo ",
        "env A=b ",
        "#\n",
        "\\`",
        "$'\\x",
        "{a,",
        "[",
        "=",
        "a \"b c\" 'd' ",
        "a[;",
        "`a` ",
        "`\\``",
        "find -exec a \\; ",
        "-exec a \\; ",
        "$(cat <<E\n",
        "cd /;",
        "pushd a;",
        "{ a;}|",
    ]
    .iter()
    .map(|text| many(text))
    .chain([
        format!("A={}; {}", "x".repeat(4000), many("$A ")),
        format!("{}a{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{}a{}", "bash -c \"".repeat(10_000), "\"".repeat(10_000)),
        format!("{}a", many("cat <<EOF\n")),
        format!("A='{}'; {}", "a;".repeat(2000), many("eval \"$A\";")),
        format!("eval eval eval {}", many("a ")),
        format!("{}{}{}", "{ ".repeat(12_000), "a;".repeat(25_000), "}|".repeat(12_000)),
        format!("{} find {}", "A=b ".repeat(12_000), "-exec a \\; ".repeat(4_000)),
        format!("{}1{} ", "$((".repeat(30), "))".repeat(30)).repeat(650),
        format!("{}{}", (0..45).map(|at| format!("$(cat <<E{at}\n")).collect::<String>(), many("\n")),
        (0..10_000).map(|at| format!("v{at}=$v{at};")).collect(),
        format!("{}{}", (0..64).map(|at| format!("v{at}=$PWD;")).collect::<String>(), many("cd;")),
    ])
    .collect();
    for line in &lines {
        let started = Instant::now();
        let read = read(line);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "{line:.20}: {took:?}");
        let bytes: usize = read.commands().flat_map(Command::words).map(|word| word.len() + 1).sum();
        assert!(bytes < 110 * line.len(), "{line:.20}: {bytes}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(line in any::<String>()) {
        let read = read(&line);
        for command in read.commands() {
            prop_assert!(!command.words().is_empty());
            let _ = (command.directory(&places()), command.git().map(|git| git.directory(&places())));
        }
    }

    #[test]
    fn no_line_of_shell_panics(parts in prop::collection::vec(prop::sample::select(PARTS), 0..60)) {
        let line = parts.concat();
        let _ = read(&line);
    }

    #[test]
    fn single_quotes_hide_everything(text in "[^']{0,60}") {
        let line = format!("git commit -m '{text}' && ls");
        let read = read(&line);
        let words: Vec<Vec<&str>> =
            read.commands().map(|command| command.words().iter().map(Word::text).collect()).collect();
        prop_assert_eq!(words, vec![vec!["git", "commit", "-m", &*text], vec!["ls"]]);
    }
}

/// What shell is made of, for random lines.
const PARTS: &[&str] = &[
    "git ",
    "push",
    " ",
    "\n",
    ";",
    "&",
    "|",
    "<",
    ">",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "$",
    "`",
    "'",
    "\"",
    "\\",
    "#",
    "~",
    "*",
    "EOF",
    "<<EOF\n",
    "\nEOF\n",
    "<<-",
    "<<<",
    "$(",
    "$((",
    "))",
    "${",
    "$'",
    "((",
    "[[ ",
    " ]]",
    "if ",
    "then ",
    "fi",
    "for x in ",
    "do ",
    "done",
    "case x in ",
    "esac",
    ";;",
    "a) ",
    "f() ",
    "function ",
    "bash -c ",
    "eval ",
    "sudo ",
    "env ",
    "cd ",
    "find -exec ",
    "A=",
    "x",
    "é",
    "$A",
    "time ",
    "! ",
    "2>&1",
    "&>",
    "=",
    "-c",
    "\\\n",
    "\r\n",
    "export A=b;",
    "popd",
    "trap ",
];

#[test]
fn a_variable_that_is_set_again_and_again_has_its_last_value_and_costs_no_more() {
    let line = "D=a; D=b; (D=c; cd $D && one); cd $D && two; D=$(pwd)x; unset D; cd $D && three";
    assert_eq!(
        shown(line).split(" ; ").filter(|one| one.contains('@')).collect::<Vec<_>>(),
        ["one @/w/c", "two @/w/b", "$pwd @/w/b", "unset D @/w/b", "cd $D @/w/b", "three @?"]
    );
    assert_eq!(read(&"A=b;".repeat(10_000)).commands().len(), 0);
}

#[test]
fn names_that_are_told_from_special_ones_at_a_glance_are_no_others() {
    for name in ["sudo", "env", "time", "xargs", "noglob", "arch", "xvfb-run"] {
        assert_eq!(shown(&format!("{name} ls")), "ls", "{name}");
        assert_eq!(shown(&format!("/usr/bin/{name} sudo ls")), "ls", "{name}");
    }
    for name in ["bash", "/bin/sh", "ash", "fish"] {
        assert!(shown(&format!("{name} -c 'ls x'")).ends_with("ls x"), "{name}");
    }
    for name in ["a", "sud", "sudoo", "é", "cdd", "x".repeat(40).as_str()] {
        assert_eq!(shown(&format!("{name} ls")), format!("{name} ls"));
    }
}
