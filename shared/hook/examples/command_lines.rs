//! What it takes to read 100 KB of each kind of command line, in microseconds, the slowest first; the best of many
//! times, since other work on the machine only adds to it.
//!
//! `cargo run --release -p crewkit-hook --example command_lines` (`--target x86_64-unknown-linux-musl` for what is
//! installed); with an argument, only kinds that hold it.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use crewkit_hook::command_line;

/// The bytes of a line.
const LENGTH: usize = 100_000;
/// Most times that a line is read, and the time that is spent on it.
const TIMES: usize = 300;
const TIME: Duration = Duration::from_millis(200);

/// Texts that lines are made of by repeating them.
const REPEATED: &[&str] = &[
    "a;",
    "a\n",
    "a&",
    "a|",
    "a||",
    "a ",
    "a",
    "ls -l;",
    "ls -l\n",
    "ls -l && ",
    "git push;",
    "git -C a push;",
    "cat a | grep b > c;",
    "git commit -m 'a b';",
    "/a;",
    "A=b;",
    "A=$A;",
    "A[1]=b;",
    "a[;",
    "export A=b;",
    "read a;",
    "``",
    "`",
    "`a`",
    "`a` ",
    "`\\``",
    "$(a)",
    "$(a) ",
    "$(",
    "$(a;",
    "\"$(",
    "\"$(a)\" ",
    "<(a) ",
    "(a)",
    "(",
    ")",
    "()",
    "f(){ a;};",
    "{ a;};",
    "{ ",
    "}",
    "if a;then b;fi;",
    "case x in a) b;; esac;",
    "case x in a) ",
    "for x in a;do b;done;",
    "[[ a ]];",
    "time ",
    "'' ",
    "'a'b ",
    "\"a\" ",
    "'",
    "\"",
    "\\",
    "\\a",
    "a\\a ",
    "&&",
    "|",
    ";",
    "\n",
    " ",
    "#\n",
    "$",
    "$a ",
    "${a} ",
    "${",
    "$((1)) ",
    "$((",
    "((1));",
    "((",
    "*",
    "[",
    "{a,b} ",
    "~ ",
    "$'\\x41' ",
    "$HOME ",
    ">a ",
    "<a;",
    "a 2>&1;",
    "<<<a ",
    "<<a\na\n",
    "<<a\n",
    "cat <<EOF\nx\nEOF\n",
    "$(cat <<E\n",
    "bash <<E\na;a\nE\n",
    "bash<<<a;",
    "cd;",
    "cd x;",
    "cd /;",
    "pushd a;",
    "popd;",
    "eval a;",
    "eval eval ",
    "bash -c 'a';",
    "sh -c 'a;a;a;a;a;a;a;a;a';",
    "trap a;",
    "find -exec a \\;",
    "find -exec ",
    "sudo ",
    "sudo a;",
    "env A=b a;",
    "xargs a;",
    "é ",
    "The quick brown fox jumps over the lazy dog, and some more words\n",
];

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let mut kinds: Vec<(String, String)> =
        REPEATED.iter().map(|text| (format!("{text:?}"), text.repeat(LENGTH / text.len()))).collect();
    kinds.extend(put_together());
    let mut all: Vec<(Duration, String)> = kinds
        .into_iter()
        .filter(|(name, _)| name.contains(&only))
        .map(|(name, line)| (best_time(&line), name))
        .collect();
    all.sort_by(|one, other| other.cmp(one));
    for (time, name) in all {
        println!("{:8.1}  {name}", time.as_secs_f64() * 1e6);
    }
}

/// Lines that are more than one text many times.
fn put_together() -> Vec<(String, String)> {
    let up_to = |start: &str, text: &str| start.to_owned() + &text.repeat((LENGTH - start.len()) / text.len());
    let nested = |open: &str, depth: usize, close: &str| {
        let one = format!("{}a{};", open.repeat(depth), close.repeat(depth));
        one.repeat(LENGTH / one.len())
    };
    let variables: String = (0..64).map(|at| format!("v{at:02}=$PWD;")).collect();
    let documents: String = (0..60).map(|at| format!("$(cat <<E{at}\n")).collect();
    let prose = "The quick brown fox jumps over the lazy dog, and some more words\n".repeat(LENGTH / 65);
    [
        ("90 subshells", nested("(", 90, ")")),
        ("90 substitutions", nested("$(a ", 90, ")")),
        ("30 arithmetic expansions", nested("$((", 30, "))")),
        ("groups with pipes", format!("{}{}{}", "{ ".repeat(12_500), "a;".repeat(25_000), "}|".repeat(12_500))),
        ("64 variables, one used", up_to(&variables, "$v00 ")),
        ("64 variables, cd", up_to(&variables, "cd;")),
        ("many variables", (0..10_000).map(|at| format!("v{at:05}=b;")).collect()),
        ("a long value used", up_to(&format!("A={};", "x".repeat(4000)), "$A ")),
        ("a long value run", up_to(&format!("A='{}';", "a;".repeat(2000)), "eval \"$A\";")),
        ("words for eval eval", up_to("eval eval eval ", "a ")),
        ("text for eval eval", format!("eval eval \"{}\"", "a;".repeat(LENGTH / 2))),
        ("text for bash -c", format!("bash -c '{}'", "a;".repeat(LENGTH / 2))),
        ("text for bash <<", format!("bash <<E\n{}\nE", "a;".repeat(LENGTH / 2))),
        ("documents within each other", up_to(&documents, "\n")),
        ("find with variables", format!("{}find {}", "A=b ".repeat(12_500), "-exec a \\; ".repeat(4_500))),
        ("prose in a document", format!("cat > f <<'EOF'\n{prose}EOF\n")),
        ("prose in quotes", format!("git commit -m \"{prose}\"")),
    ]
    .map(|(name, line)| (name.to_owned(), line))
    .into()
}

fn best_time(line: &str) -> Duration {
    let (begun, mut best) = (Instant::now(), Duration::MAX);
    for _ in 0..TIMES {
        let started = Instant::now();
        drop(black_box(command_line::read(black_box(line))));
        best = best.min(started.elapsed());
        if begun.elapsed() > TIME {
            break;
        }
    }
    best
}
