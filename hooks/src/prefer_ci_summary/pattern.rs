//! The little language that rules are written in, and the reading of a command that it is held against.
//!
//! A pattern is words divided by blanks, the first of them the program:
//!
//! | word | holds when |
//! |---|---|
//! | `install` | the next operand is this |
//! | `!diff` | the next operand, if there is one, is not this |
//! | `.` | there is no further operand |
//! | `--log*` | one of the options is this |
//! | `!--json*` | none of the options is this |
//! | `!^--stat*` | the first option is not this |
//!
//! Alternatives are divided by `|`; `*` stands for any text. What stands behind `--` is neither operand nor option.

use crewkit_hook::command_line::{Command, Word};

use crate::glob::glob;

/// A command as its program would divide it.
#[derive(Debug)]
pub(super) struct Call<'c> {
    /// The program, without a folder before it and without `.sh` behind it.
    pub(super) program: &'c str,
    operands: Vec<&'c str>,
    options: Vec<&'c str>,
}

/// Options of programs whose value is the next word, so that it is no operand.
const WITH_VALUE: [(&str, &[&str]); 8] = [
    ("gh", &["-R", "--repo", "--hostname", "-H", "--header", "-q", "--jq", "-t", "--template"]),
    ("npm", &["-C", "--prefix", "-w", "--workspace", "--loglevel", "--registry", "--cache", "--userconfig"]),
    ("pnpm", &["-C", "--dir", "-F", "--filter", "--loglevel"]),
    ("yarn", &["--cwd"]),
    ("bun", &["--cwd", "--filter", "-F"]),
    ("npx", &["-p", "--package", "-w", "--workspace"]),
    ("cargo", &["-C", "--config", "-Z", "--color", "--manifest-path", "-p", "--package", "-F", "--features", "-j"]),
    ("go", &["-C"]),
];

impl<'c> Call<'c> {
    /// Divides `command`.
    pub(super) fn of(command: Command<'c>) -> Self {
        let program = command.program();
        let program = program.strip_suffix(".sh").unwrap_or(program);
        let mut call = Self { program, operands: Vec::new(), options: Vec::new() };
        let with_value = WITH_VALUE.iter().find(|(name, _)| *name == program).map_or(&[][..], |(_, options)| options);
        let arguments = match command.git() {
            Some(git) => {
                call.operands.push(git.subcommand);
                git.arguments
            }
            None => command.arguments(),
        };
        let mut rest = arguments.iter().map(Word::text);
        while let Some(word) = rest.next() {
            if word == "--" {
                break;
            }
            if word.len() < 2 || !word.starts_with('-') {
                // A toolchain of rustup's.
                if !(program == "cargo" && word.starts_with('+')) {
                    call.operands.push(word);
                }
                continue;
            }
            call.options.push(word);
            if with_value.contains(&word) {
                rest.next();
            }
        }
        call
    }

    /// The operand at `index`, the first being 0.
    pub(super) fn operand(&self, index: usize) -> Option<&'c str> {
        self.operands.get(index).copied()
    }

    /// Whether one of the options is `option`.
    pub(super) fn has_option(&self, option: &str) -> bool {
        self.options.contains(&option)
    }

    /// Whether `pattern` holds.
    pub(super) fn matches(&self, pattern: &str) -> bool {
        let mut words = pattern.split_ascii_whitespace();
        if !words.next().is_some_and(|programs| any(programs, self.program)) {
            return false;
        }
        let mut operands = self.operands.iter();
        words.all(|word| {
            if word == "." {
                return operands.len() == 0;
            }
            if let Some(first) = word.strip_prefix("!^") {
                return !self.options.first().is_some_and(|option| any(first, option));
            }
            match (word.strip_prefix('!'), word.strip_prefix('!').unwrap_or(word)) {
                (denied, wanted) if wanted.starts_with('-') => {
                    self.options.iter().any(|option| any(wanted, option)) != denied.is_some()
                }
                (Some(denied), _) => !operands.as_slice().first().is_some_and(|operand| any(denied, operand)),
                (None, wanted) => operands.next().is_some_and(|operand| any(wanted, operand)),
            }
        })
    }
}

fn any(alternatives: &str, text: &str) -> bool {
    alternatives.split('|').any(|one| glob(one, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_hook::command_line;

    #[track_caller]
    fn holds(pattern: &str, lines: &[&str], others: &[&str]) {
        for (lines, wanted) in [(lines, true), (others, false)] {
            for line in lines {
                let line = command_line::read(line);
                assert_eq!(Call::of(line.commands().next().unwrap()).matches(pattern), wanted, "{pattern}: {line:?}");
            }
        }
    }

    #[test]
    fn each_kind_of_word() {
        holds(
            "npm run|run-script build",
            &["npm run build", "npm -C app run-script build -- --x"],
            &["npm run build:x"],
        );
        holds("gh pr view !--json*", &["gh -R o/r pr view 3", "gh pr view"], &["gh pr view --json=x", "gh pr list"]);
        holds("gh run view --log*", &["gh run view 1 --log", "gh run view --log-failed"], &["gh run view 1", "gh run"]);
        holds(
            "git diff !^--stat*",
            &["git diff", "git diff -p --stat"],
            &["git diff --stat=80", "git diff HEAD --stat"],
        );
        holds(
            "npx prisma migrate !diff",
            &["npx prisma migrate", "npx prisma migrate dev"],
            &["npx prisma migrate diff"],
        );
        holds("yarn .", &["yarn", "yarn --frozen-lockfile"], &["yarn run x"]);
        holds("gh api *pulls/*/comments", &["gh api repos/o/r/pulls/3/comments"], &["gh api repos/o/r/pulls/3/files"]);
        holds("cargo test", &["cargo +nightly test -p x", "cargo --config a test"], &["cargo testing", "cargo"]);
        holds("git log", &["git -C x log -- --oneline"], &["git -C log status"]);
        holds("ls", &["/bin/ls -l", "ls.sh"], &["lsof"]);
    }
}
