//! The hooks that look at what a commit would take: secret-scanner and env-vault-guard.

use std::path::{Path, PathBuf};

use crewkit_tests::{Crew, Ended, Value, json};

const SCANNER: &str = "hooks/secret-scanner.sh";
const VAULT: &str = "hooks/env-vault-guard.sh";
const KEY: &str = "const k = \"sk-abcdefgh12345678\"\n";

struct Shop {
    crew: Crew,
    top: PathBuf,
}

impl Shop {
    fn new() -> Self {
        let crew = Crew::new();
        let top = crew.repository("shop");
        Self { crew, top }
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        self.crew.write(&self.top.join(name), text);
    }

    fn stage(&self, name: &str, text: impl AsRef<[u8]>) {
        self.put(name, text);
        self.crew.git(&self.top, &["add", "-f", "--", name]);
    }

    fn event(cwd: &Path, command: &str) -> Value {
        json!({"session_id": "s1", "cwd": cwd, "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": command}})
    }

    fn ask(&self, hook: &str, command: &str) -> Ended {
        self.crew.feed(Self::event(&self.top, command).to_string(), hook, [""; 0])
    }

    #[track_caller]
    fn blocked(&self, hook: &str, command: &str, parts: &[&str]) -> String {
        let ended = self.ask(hook, command);
        let whole = ended.code == 2 && ended.stdout.is_empty() && parts.iter().all(|part| ended.stderr.contains(part));
        assert!(whole, "{command}: want {parts:?}: {ended:?}");
        assert!(!ended.stderr.contains("abcdefgh12345678") && !ended.stderr.contains("hunter2"), "{ended:?}");
        ended.stderr
    }

    #[track_caller]
    fn silent(&self, hook: &str, command: &str) {
        let ended = self.ask(hook, command);
        let nothing = ended.code == 0 && ended.stdout.is_empty() && ended.stderr.is_empty();
        assert!(nothing, "{command}: {ended:?}");
    }

    #[track_caller]
    fn advised(&self, hook: &str, command: &str) -> String {
        let answer = self.ask(hook, command).code(0).json();
        assert_eq!(answer["hookSpecificOutput"]["hookEventName"], "PreToolUse");
        answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap().to_owned()
    }
}

#[test]
fn what_is_staged_counts_and_not_what_lies_there() {
    let shop = Shop::new();
    shop.silent(SCANNER, "git commit -m x");
    shop.put("k.js", KEY);
    shop.silent(SCANNER, "git commit -m x");
    shop.stage("k.js", KEY);
    shop.put("k.js", "clean\n");
    let said = shop.blocked(SCANNER, "git commit -m x", &["k.js:1: OpenAI key sk-***"]);
    assert!(said.starts_with("BLOCKED"), "{said}");
    shop.silent(SCANNER, "git status && git log");
    shop.silent(SCANNER, "echo 'git commit -m x'");
    shop.crew.git(&shop.top, &["commit", "-q", "-m", "anyway"]);
    shop.silent(SCANNER, "git commit -m x");
}

#[test]
fn what_the_line_adds_itself_counts_too() {
    let shop = Shop::new();
    shop.put("new/a.js", KEY);
    for command in [
        "git add -A && git commit -m x",
        "git add . && git commit -m x",
        "git add new && git commit -m x",
        "git add new/a.js; git commit -qm x",
        "cd new && git add a.js && git commit -m x",
        "git add \"$FILE\" && git commit -m x",
        "bash -c 'git add -A && git commit -m x'",
    ] {
        shop.blocked(SCANNER, command, &["new/a.js:1"]);
    }
    for command in ["git commit -am x", "git add README.md && git commit -m x", "git add -u && git commit -m x"] {
        shop.silent(SCANNER, command);
    }
    shop.put("README.md", KEY);
    shop.blocked(SCANNER, "git commit -am x", &["README.md:1"]);
    shop.blocked(SCANNER, "git commit -m x README.md", &["README.md:1"]);
    shop.blocked(SCANNER, "git add -u && git commit -m x", &["README.md:1"]);
    shop.silent(SCANNER, "git commit -m x");
    shop.crew.git(&shop.top, &["add", "README.md"]);
    shop.put("README.md", "# mended\n");
    shop.blocked(SCANNER, "git commit -m x", &["README.md:1"]);
    shop.silent(SCANNER, "git add README.md && git commit -m x");
    shop.silent(SCANNER, "git commit -am x");
}

#[test]
fn the_repository_is_the_one_the_command_works_on() {
    let shop = Shop::new();
    let other = shop.crew.repository("other");
    shop.stage("k.js", KEY);
    let from = |cwd: &Path, command: &str| shop.crew.feed(Shop::event(cwd, command).to_string(), SCANNER, [""; 0]);
    for command in [
        "git -C ../shop commit -m x",
        "cd ../shop && git commit -m x",
        "git --git-dir=../shop/.git --work-tree=../shop commit -m x",
        "GIT_DIR=../shop/.git GIT_WORK_TREE=../shop git commit -m x",
    ] {
        let ended = from(&other, command).code(2);
        assert!(ended.stderr.contains("k.js:1"), "{command}: {ended:?}");
    }
    assert_eq!(from(&other, "git commit -m x").code(0).stderr, "");
    assert_eq!(from(&shop.crew.work(), "git commit -m x").code(0).stderr, "");
}

#[test]
fn what_was_found_in_one_commit_outlives_a_fault_of_the_next() {
    let shop = Shop::new();
    let other = shop.crew.repository("other");
    shop.crew.write(&other.join(".git/index"), "broken");
    shop.stage("a.js", format!("{KEY}const password = \"hunter2hunter2\"\n"));
    for hook in [SCANNER, VAULT] {
        for command in ["git commit -m x; git -C ../other commit -m x", "git -C ../other commit -m x; git commit -m x"]
        {
            let said = shop.blocked(hook, command, &["a.js:"]);
            assert!(said.contains("index"), "what could not be looked at is told: {said}");
        }
        let alone = shop.ask(hook, "git -C ../other commit -m x").code(0);
        assert!(alone.stdout.is_empty() && alone.stderr.lines().count() == 1, "{alone:?}");
    }
}

#[test]
fn a_repository_without_a_commit() {
    let crew = Crew::new();
    let top = crew.work().join("fresh");
    crew.write(&top.join("k.js"), KEY);
    crew.git(&top, &["init", "-q"]);
    let ask = |command: &str| crew.feed(Shop::event(&top, command).to_string(), SCANNER, [""; 0]).code;
    assert_eq!(ask("git commit -m x"), 0);
    assert_eq!(ask("git add -A && git commit -m x"), 2);
    crew.git(&top, &["add", "-A"]);
    assert_eq!((ask("git commit -m x"), ask("git commit -am x")), (2, 2));
}

#[test]
fn names_of_all_kinds_and_files_that_are_exempt() {
    use std::os::unix::ffi::OsStrExt as _;
    let shop = Shop::new();
    for name in ["Cargo.lock", "package-lock.json", "a.min.js", "web/yarn.lock"] {
        shop.stage(name, KEY);
    }
    shop.stage("b.bin", format!("\0{KEY}"));
    shop.stage("gone.js", "x\n");
    shop.silent(SCANNER, "git commit -m x");
    for name in ["my conf.js", "q\"é.js", "tab\t.js", "-dash.js"] {
        shop.stage(name, KEY);
    }
    let odd = shop.top.join(std::ffi::OsStr::from_bytes(b"\xff.js"));
    shop.crew.write(&odd, KEY);
    shop.crew.git(&shop.top, &["add", "-A"]);
    shop.blocked(
        SCANNER,
        "git commit -m x",
        &["my conf.js:1", "q\"é.js:1", "tab\\t.js:1", "-dash.js:1", "\u{fffd}.js:1"],
    );
}

#[test]
fn addresses_block_in_source_files_and_are_told_elsewhere() {
    let shop = Shop::new();
    shop.stage("README.md", "see https://api.shop.io/v1\n");
    let said = shop.advised(SCANNER, "git commit -m x");
    assert!(said.contains("README.md:1: hard-wired address https://api.shop.io"), "{said}");
    shop.stage("a.js", "const a = 'http://localhost:3000'\n");
    shop.blocked(SCANNER, "git commit -m x", &["a.js:1: local address", "localhost:3000", "README.md:1"]);
    shop.stage("a.js", "const a = url || 'http://localhost:3000'\n");
    shop.advised(SCANNER, "git commit -m x");
    shop.put(".crewkit.toml", "[secret-scanner]\naddresses = \"off\"\n");
    shop.silent(SCANNER, "git commit -m x");
    shop.crew.git(&shop.top, &["commit", "-q", "-m", "x"]);
    std::fs::remove_file(shop.top.join(".crewkit.toml")).unwrap();
    // What was committed before is no news.
    shop.stage("README.md", "see https://api.shop.io/v1\nmore\n");
    shop.silent(SCANNER, "git commit -m x");
}

#[test]
fn copilot_and_bare_events_are_answered_in_their_words() {
    let shop = Shop::new();
    shop.stage("k.js", KEY);
    let copilot = json!({"toolName": "bash", "toolArgs": "{\"command\":\"git commit -m x\"}", "cwd": shop.top});
    let answer = shop.crew.feed(copilot.to_string(), SCANNER, [""; 0]).code(0).json();
    assert_eq!(answer["permissionDecision"], "deny");
    assert!(answer["permissionDecisionReason"].as_str().unwrap().contains("k.js:1"));
    let bare = json!({"tool_name": "Bash", "tool_input": {"command": "git commit"}, "cwd": shop.top});
    assert_eq!(shop.crew.feed(bare.to_string(), SCANNER, [""; 0]).code, 2);
    let after = json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "git commit"}});
    assert_eq!(shop.crew.feed(after.to_string(), SCANNER, [""; 0]).code, 0);
    for input in ["", "not json", "[]"] {
        let ended = shop.crew.feed(input, SCANNER, [""; 0]).code(0);
        assert_eq!(ended.stdout, "", "{input}");
    }
}

#[test]
fn a_mark_and_the_baseline_let_a_line_pass() {
    let shop = Shop::new();
    shop.stage("k.js", format!("{} // crewkit:allow-secret\n", KEY.trim()));
    shop.silent(SCANNER, "git commit -m x");
    shop.stage("k.js", format!("a\n{KEY}"));
    shop.blocked(SCANNER, "git commit -m x", &["k.js:2"]);
    let scan = |arguments: &[&str]| shop.crew.run_in(&shop.top, SCANNER, arguments);
    let found = scan(&["scan", "--staged"]).code(1);
    assert_eq!(found.stdout, "k.js:2: OpenAI key sk-***\n");
    assert_eq!(scan(&["scan", "k.js"]).code(1).stdout, found.stdout);
    assert_eq!(scan(&["scan"]).code(1).stdout, found.stdout);
    assert_eq!(scan(&["scan", "README.md"]).code(0).stdout, "");
    assert!(scan(&["scan", "missing.js"]).code(2).stderr.contains("missing.js"));
    scan(&["scan", "--bogus"]).refused(2, &["--bogus"]);
    assert!(shop.crew.run(SCANNER, ["scan"]).code(2).stderr.contains("repository"));
    scan(&["scan", "--write-baseline"]).code(0);
    assert!(!std::fs::read_to_string(shop.top.join(".crewkit-baseline")).unwrap().contains("sk-"));
    assert_eq!(scan(&["scan"]).code(0).stdout, "");
    shop.silent(SCANNER, "git commit -m x");
    shop.stage("k.js", format!("a\nb\n{KEY}"));
    shop.silent(SCANNER, "git commit -m x");
    shop.stage("k.js", "const k = \"sk-abcdefgh12345679\"\n");
    shop.blocked(SCANNER, "git commit -m x", &["k.js:1"]);
}

#[test]
fn many_findings_are_counted() {
    let shop = Shop::new();
    shop.stage("k.js", KEY.repeat(30));
    shop.blocked(SCANNER, "git commit -m x", &["k.js:20", "and 10 more"]);
}

#[test]
fn git_calls_the_vault_guard_before_a_commit() {
    let shop = Shop::new();
    shop.put(".gitignore", ".env\n");
    let hook = shop.top.join(".git/hooks/pre-commit");
    shop.crew.tool(VAULT);
    std::os::unix::fs::symlink(crewkit_tests::program(), shop.crew.root().join("bin/hook-env-vault-guard")).unwrap();
    shop.crew.write(&hook, "#!/bin/sh\nexec hook-env-vault-guard\n");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    shop.stage("my conf.ini", "a=1\nPASSWORD=hunter2hunter2\n");
    let commit = |arguments: &[&str]| {
        crewkit_tests::finish(
            shop.crew.command("git").current_dir(&shop.top).args(["commit", "-q"]).args(arguments),
            None,
        )
    };
    let refused = commit(&["-m", "x"]).code(1);
    assert!(refused.stderr.contains("[BLOCKED] my conf.ini:2: password"), "{refused:?}");
    assert!(!refused.stderr.contains("hunter2hunter2"));
    shop.stage("my conf.ini", "a=1\nPASSWORD=${PASSWORD}\n");
    commit(&["-m", "x"]).code(0);
    shop.put("my conf.ini", "a=1\nPASSWORD=hunter2hunter2\n");
    assert!(commit(&["-am", "y"]).code(1).stderr.contains("my conf.ini:2"));
}

#[test]
fn the_vault_guard_judges_new_lines_alone() {
    let shop = Shop::new();
    shop.put(".gitignore", "*.env\n");
    shop.stage("old.ini", "TOKEN=abcdef123456\nx=1\n");
    shop.blocked(VAULT, "git commit -m x", &["[BLOCKED] old.ini:1: token"]);
    shop.crew.git(&shop.top, &["commit", "-q", "-m", "anyway"]);
    shop.stage("old.ini", "TOKEN=abcdef123456\nx=2\n");
    shop.silent(VAULT, "git commit -m x");
    shop.stage("old.ini", "x=2\n");
    shop.silent(VAULT, "git commit -m x");
    shop.stage("lexer.js", "const tokenizer = makeTokenizer();\nlet token = next;\n");
    shop.silent(VAULT, "git commit -m x");
    shop.stage("fixture/a.ini", "API_KEY=abcdef123456\n");
    shop.blocked(VAULT, "git commit -m x", &["fixture/a.ini:1: API key"]);
    shop.put(".env-vault-allow", "# made up\nfixture/*\n");
    shop.silent(VAULT, "git commit -m x");
    shop.silent(VAULT, "git log");
}

#[test]
fn the_vault_guard_warns_of_an_environment_file_and_an_old_backup() {
    let shop = Shop::new();
    shop.stage("a.txt", "x\n");
    for (patterns, ignored) in [("", false), ("xenv\n", false), (".env\n", true), (".env*\n", true), ("*.env\n", true)]
    {
        shop.put(".gitignore", patterns);
        let ended = shop.crew.run_in(&shop.top, VAULT, [""; 0]).code(0);
        assert_eq!(ended.stderr.contains("[WARNING] .env"), !ignored, "{patterns}: {ended:?}");
    }
    shop.crew.run("init-dashboard-db", [""; 0]).code(0);
    shop.silent(VAULT, "git commit -m x");
    let backup = |days: i64, status: &str| {
        crewkit_tests::rows(
            &shop.crew.database(),
            &format!(
                "INSERT INTO env_vault_log (project_id, action, status, created_at) \
                 VALUES ('shop', 'backup', '{status}', datetime('now', '-{days} days')) RETURNING id"
            ),
        );
    };
    backup(10, "success");
    backup(1, "error");
    let said = shop.advised(VAULT, "git commit -m x");
    assert!(said.contains("[WARNING]") && said.contains("10 days"), "{said}");
    shop.silent(VAULT, "git commit -m y");
    let other = Shop::event(&shop.top, "git commit -m x").to_string().replace("s1", "s2");
    assert!(shop.crew.feed(other, VAULT, [""; 0]).stdout.contains("10 days"), "once a session");
    for _ in 0..2 {
        assert!(
            shop.crew.run_in(&shop.top, VAULT, [""; 0]).code(0).stderr.contains("10 days"),
            "git is told each time"
        );
    }
    backup(2, "success");
    assert!(shop.crew.run_in(&shop.top, VAULT, [""; 0]).code(0).stderr.is_empty());
}
