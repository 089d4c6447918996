//! The rules: verbose commands and the compact tools that answer in their stead.

use super::pattern::Call;

/// What becomes of a command that a rule fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    Off,
    /// It runs, and the agent is told of the compact tool.
    Warn,
    /// It does not run.
    Block,
}

impl Mode {
    /// The mode called `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "warn" => Some(Self::Warn),
            "block" => Some(Self::Block),
            _ => None,
        }
    }
}

/// A verbose command and what answers in its stead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<'r> {
    /// What people switch it by.
    pub(super) name: &'r str,
    /// The commands it fits; see [`super::pattern`].
    pub(super) pattern: &'r str,
    /// Command lines to use instead, divided by `;`. `{2|RUN}` stands for the operand of that number or, where there is
    /// none, for the text behind the bar; `{pull|N}` for the number in the path of a pull request. None: it passes.
    pub(super) instead: &'r str,
    /// The option of the project's own `scripts/ci-summary.sh` that does the same, or nothing.
    pub(super) script: &'r str,
    /// What becomes of the command.
    pub(super) mode: Mode,
    /// Whether it passes when its output goes to a file.
    pub(super) file_passes: bool,
}

const fn block(name: &'static str, pattern: &'static str, instead: &'static str) -> Rule<'static> {
    Rule { name, pattern, instead, script: "", mode: Mode::Block, file_passes: false }
}

const fn test(name: &'static str, pattern: &'static str, script: &'static str) -> Rule<'static> {
    Rule { script, ..block(name, pattern, "test-digest") }
}

const fn warn(name: &'static str, pattern: &'static str, instead: &'static str) -> Rule<'static> {
    Rule { mode: Mode::Warn, ..block(name, pattern, instead) }
}

/// The rule for a command line that cannot be read to its end, in which any command may stand.
pub(super) const UNREADABLE: Rule<'static> = block("unreadable", "", "");

/// Rules that stand whatever people set; the first that fits decides.
pub(super) const RULES: &[Rule<'static>] = &[
    block("gh-run-log", "gh run view --log*", "service-digest ci {2|RUN}"),
    block("gh-pr-comments", "gh pr view --comments|-c", "service-digest pr {2|N}"),
    block(
        "gh-pr-comments",
        "gh api *pulls/*/comments|*pulls/*/reviews|*pulls/*/comments?*|*pulls/*/reviews?* \
         !-f*|-F*|-X*|--method*|--field*|--raw-field*|--input*",
        "service-digest pr {pull|N};pr-ops reply {pull|N}",
    ),
    block("gh-pr-merge", "gh pr merge", "pr-ops merge {2|N}"),
    block("gh-pr-view", "gh pr view !--json*", "pr-ops status {2|N};pr-ops ready {2|N}"),
    Rule { mode: Mode::Off, ..block("gh-pr-checks", "gh pr checks", "ci-digest checks {2|N}") },
    block("vercel-logs", "vercel|vercel-helper logs", "service-digest deploy"),
    block("npm-install", "npm install|i|ci|add|clean-install", "npm-digest install"),
    block("npm-install", "pnpm|bun install|i|add", "npm-digest install"),
    block("npm-install", "yarn install|add", "npm-digest install"),
    block("npm-install", "yarn .", "npm-digest install"),
    block("npm-audit", "npm|pnpm|yarn|bun audit !fix !--json", "audit-digest"),
    block("npm-build", "npm|pnpm|yarn|bun run|run-script build", "build-digest"),
    block("npm-build", "pnpm|yarn build", "build-digest"),
    test("npm-test", "npm|pnpm|yarn|bun test|t|tst", "--unit"),
    test("npm-test", "npm|pnpm|yarn|bun run|run-script test", "--unit"),
    test("npm-test", "npx|bunx vitest|vitest@*|jest|jest@*", "--unit"),
    test("npm-test", "npx|bunx playwright|playwright@* test", "--e2e"),
    test("npm-test", "npx|bunx playwright|playwright@* .", "--e2e"),
    test("npm-test", "pnpm|yarn|bun exec|dlx|x vitest|jest|playwright", "--unit"),
    test("npm-test", "pnpm|yarn vitest|jest", "--unit"),
    test("npm-check", "npm|pnpm|yarn|bun run|run-script lint|typecheck", "--quick"),
    test("npm-check", "npm|pnpm|yarn|bun run|run-script test:unit", "--full"),
    test("npm-check", "pnpm|yarn lint|typecheck", "--quick"),
    Rule { file_passes: true, ..block("git-diff", "git diff !^--stat* !--output*", "git-digest --full;diff-digest") },
    block("git-status", "git status", "git-digest"),
    block("git-log", "git log !--oneline !--format* !--pretty*", "git-digest"),
    Rule { mode: Mode::Off, ..block("git-show", "git show !--stat* !--oneline !--format*", "diff-digest") },
    block("migration", "npx|bunx prisma migrate !diff !--create-only", "migration-digest"),
    block("migration", "npx|bunx prisma db push", "migration-digest"),
    block("migration", "npx|bunx prisma generate|check", "migration-digest"),
    block(
        "migration",
        "npx|bunx drizzle-kit migrate|push|generate|generate:*|check|push:*|check:*",
        "migration-digest",
    ),
    block("migration", "npx|bunx drizzle-kit db push", "migration-digest"),
    warn("cargo-build", "cargo build|b|check|c|clippy", "build-digest"),
    warn("cargo-test", "cargo test|t", "test-digest"),
    warn("cargo-test", "cargo nextest run", "test-digest"),
    warn("cargo-audit", "cargo audit !fix !--json", "audit-digest"),
    warn("pytest", "pytest|py.test", "test-digest"),
    warn("pytest", "python|python3 -m pytest", "test-digest"),
    warn("go-test", "go test !-json", "test-digest"),
];

impl<'r> Rule<'r> {
    /// Reads a rule that people wrote: `NAME: PATTERN => COMMAND; COMMAND`, the command that answers instead may be
    /// left out to let a command pass.
    pub(super) fn parse(text: &'r str) -> Option<Self> {
        let (name, rest) = text.split_once(':')?;
        let (pattern, instead) = rest.split_once("=>")?;
        let (name, pattern, instead) = (name.trim(), pattern.trim(), instead.trim());
        let blank = name.is_empty() || name.contains(char::is_whitespace) || pattern.is_empty();
        (!blank).then_some(Self { name, pattern, instead, script: "", mode: Mode::Block, file_passes: false })
    }

    /// The command lines to use in place of `call`.
    pub(super) fn replacements(&self, call: &Call<'_>) -> Vec<String> {
        let lines = self.instead.split(';').map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| line.split(' ').map(|word| filled(word, call)).collect::<Vec<_>>().join(" ")).collect()
    }
}

/// A word of a replacement with what it stands for.
fn filled(word: &str, call: &Call<'_>) -> String {
    let Some((what, other)) = word.strip_prefix('{').and_then(|word| word.strip_suffix('}')?.split_once('|')) else {
        return word.to_owned();
    };
    let found = match what.parse() {
        Ok(index) => call.operand(index),
        Err(_) => (0..4).filter_map(|index| call.operand(index)).find_map(pull_number),
    };
    // It is shown to be typed: nothing in it may be more than a word.
    let plain = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    found.filter(plain).unwrap_or(other).to_owned()
}

fn pull_number(path: &str) -> Option<&str> {
    let (_, behind) = path.split_once("pulls/")?;
    let number = behind.split('/').next()?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_hook::command_line;

    #[test]
    fn replacements_name_what_the_command_named() {
        let said = |line: &str| {
            let line = command_line::read(line);
            let call = Call::of(line.commands().next().unwrap());
            let rule = RULES.iter().find(|rule| call.matches(rule.pattern)).unwrap();
            rule.replacements(&call).join(" + ")
        };
        for (line, wanted) in [
            ("gh run view 12 --log-failed", "service-digest ci 12"),
            ("gh run view --log", "service-digest ci RUN"),
            ("gh pr merge 3 --squash", "pr-ops merge 3"),
            ("gh pr merge '3; id'", "pr-ops merge N"),
            ("gh api repos/o/r/pulls/3/comments?per_page=100", "service-digest pr 3 + pr-ops reply 3"),
            ("gh pr view -c 4", "service-digest pr 4"),
            ("git diff HEAD", "git-digest --full + diff-digest"),
        ] {
            assert_eq!(said(line), wanted, "{line}");
        }
    }

    #[test]
    fn rules_of_people_are_read_or_refused() {
        let rule = Rule::parse("docs: cargo doc|rustdoc => doc-digest {1|X}; other").unwrap();
        assert_eq!((rule.name, rule.pattern, rule.instead), ("docs", "cargo doc|rustdoc", "doc-digest {1|X}; other"));
        assert!(Rule::parse("ok: git log -1 =>").unwrap().instead.is_empty());
        for text in ["", "git log => x", "a b: git log => x", "x: => y", ": git => y", "x: git log"] {
            assert!(Rule::parse(text).is_none(), "{text}");
        }
    }
}
