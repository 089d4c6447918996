//! What sessions used, read from transcripts as long as they get.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::measure::{Call, Lab, Row, compare};

/// A million bytes.
const MB: usize = 1_000_000;

pub(crate) fn all(lab: &Lab, runs: usize, sqlite: &Call) -> io::Result<Vec<Row>> {
    let long = lab.root().join("home/.claude/projects/-src-shop/s1.jsonl");
    let longest = lab.root().join("transcripts/s2.jsonl");
    write(&long, 50 * MB, "s1")?;
    write(&longest, 200 * MB, "s2")?;
    let hook = |database: &str| {
        let event = format!(
            r#"{{"session_id":"s1","transcript_path":"{}","cwd":"/src/shop","hook_event_name":"SessionEnd","reason":"other"}}"#,
            long.display()
        );
        lab.call(lab.tool("hooks/session-end-tokens.sh"), &[]).fed(&event).with("PLAN_DB_FILE", database)
    };
    let database = |name: &str| -> io::Result<String> {
        let path = lab.root().join(format!("{name}.db")).to_string_lossy().into_owned();
        lab.call(lab.tool("scripts/init-dashboard-db.sh"), &[]).with("PLAN_DB_FILE", &path).once()?;
        Ok(path)
    };
    let count = |file: &Path| lab.call("wc", &["-l", &file.to_string_lossy()]);
    let mut rows = vec![compare(
        ("session-end-tokens, first reading of 50 MB, 20 runs", "`wc -l` of the same file", "100 ms"),
        20,
        &count(&long),
        |run| Ok(hook(&database(&format!("tokens{run}"))?)),
    )?];
    let known = database("tokens")?;
    hook(&known).once()?;
    rows.push(compare(
        ("session-end-tokens, one answer more at the end of 50 MB", "`sqlite3 :memory: 'select 1'`", "5"),
        runs.min(200),
        sqlite,
        |run| {
            let mut text = String::new();
            answer(&mut text, "s1", &format!("more{run}"), "x");
            fs::OpenOptions::new().append(true).open(&long)?.write_all(text.as_bytes())?;
            Ok(hook(&known))
        },
    )?);
    let folder = lab.root().join("transcripts").to_string_lossy().into_owned();
    rows.push(compare(
        ("`token-report --scan`, first reading of 200 MB, 10 runs", "`wc -l` of the same file", "1 s"),
        10,
        &count(&longest),
        |run| {
            let path = database(&format!("scan{run}"))?;
            let report = lab.call(lab.tool("scripts/token-report.sh"), &["--scan", &folder, "--json"]);
            Ok(report.with("PLAN_DB_FILE", &path))
        },
    )?);
    Ok(rows)
}

/// A transcript of so many bytes: answers on two lines, and results of tools some times as long.
fn write(path: &Path, bytes: usize, session: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    let words = "the quick brown fox jumps over the lazy dog and says \\\"usage\\\": nothing\\n\\t";
    let (answered, result) = (words.repeat(20), words.repeat(80));
    let mut written = 0;
    let mut number = 0;
    while written < bytes {
        let mut text = String::new();
        for _ in 0..2 {
            answer(&mut text, session, &number.to_string(), &answered);
        }
        let _ = writeln!(
            text,
            r#"{{"parentUuid":"p","sessionId":"{session}","type":"user","message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"{result}"}}]}},"toolUseResult":{{"stdout":"{result}"}},"uuid":"v{number}"}}"#
        );
        file.write_all(text.as_bytes())?;
        written += text.len();
        number += 1;
    }
    file.flush()
}

fn answer(text: &mut String, session: &str, id: &str, content: &str) {
    let _ = writeln!(
        text,
        r#"{{"parentUuid":"p","isSidechain":false,"cwd":"/src/shop","sessionId":"{session}","gitBranch":"main","message":{{"model":"claude-opus-4-6","id":"msg-{session}-{id}","type":"message","role":"assistant","content":[{{"type":"text","text":"{content}"}}],"usage":{{"input_tokens":4,"cache_creation_input_tokens":900,"cache_read_input_tokens":51234,"cache_creation":{{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":900}},"output_tokens":321}}}},"requestId":"req-{session}-{id}","type":"assistant","uuid":"u{id}","timestamp":"2026-01-02T03:04:05.678Z"}}"#
    );
}
