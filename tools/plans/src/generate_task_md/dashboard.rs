//! The dashboard: a page, and an interface that is told where the file of a task is.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crewkit_tool::process::Run;
use crewkit_tool::{Context, text};
use serde_json::{Value, json};

/// Where the interface is unless told otherwise.
const API: &str = "http://localhost:31415/api";

/// The address of a task's page.
pub(super) fn page(base: &str, project: &str, task: &str) -> String {
    format!("{}?project={}&task={}", base.trim_end_matches('/'), encoded(project), encoded(task))
}

/// Tells the dashboard where the file is; what it said, in one line. One that was not asked for has two seconds.
pub(super) fn tell(context: &Context, project: &str, task: &str, file: &Path) -> String {
    let (api, seconds) = context.variable("DASHBOARD_API").map_or_else(|| (API.to_owned(), 2), |api| (api, 10));
    let api = api.trim_end_matches('/');
    let address = format!("{api}/project/{}/task/{}/update-markdown", encoded(project), encoded(task));
    let body = json!({ "markdown_path": file.to_string_lossy() }).to_string();
    let run = Run::new(context, "curl")
        .args(["-s", "--max-time", &seconds.to_string(), "--connect-timeout", "2", "-X", "POST"])
        .args(["-H", "Content-Type: application/json", "-d", &body, "--", &address])
        .limit(Duration::from_secs(seconds));
    let said = match run.run() {
        Ok(ended) if ended.ok() => read(&ended.stdout),
        Ok(_) | Err(_) => "no answer".to_owned(),
    };
    format!("Dashboard: {said}\n")
}

fn read(answer: &[u8]) -> String {
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return "an answer that is not JSON".to_owned() };
    match answer.get("error") {
        None | Some(Value::Null) if answer["status"] == "success" => "markdown_path set".to_owned(),
        None | Some(Value::Null) => "an answer that says neither success nor error".to_owned(),
        Some(error) => {
            let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            text::cut(&text::one_line(&error), 200)
        }
    }
}

/// Percent-encoding of a part of an address (RFC 3986, section 2.3: all but the unreserved characters).
fn encoded(part: &str) -> String {
    let mut out = String::new();
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dashboard_says_is_one_line() {
        for (answer, wanted) in [
            (&br#"{"status":"success"}"#[..], "markdown_path set"),
            (br#"{"error":"Task not\nfound"}"#, "Task not\\nfound"),
            (br#"{"error":{"code":4}}"#, r#"{"code":4}"#),
            (b"<html>", "an answer that is not JSON"),
            (b"{}", "an answer that says neither success nor error"),
        ] {
            assert_eq!(read(answer), wanted);
        }
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(page("http://x/", "a b", "T1/2&c"), "http://x?project=a%20b&task=T1%2F2%26c");
    }
}
