//! Reports that runners write for machines, found in an output among other text: jest's and vitest's JSON, Playwright's
//! JSON, JUnit's XML. A report is one value, which may stand anywhere on its line or fill many.

use std::path::{Path, PathBuf};

use crewkit_digest::Spool;

use super::js_json;
use super::junit;
use super::report::Report;

/// Most beginnings of reports that are tried.
const MOST: usize = 64;
/// Most bytes looked at before it is known whether something is the beginning of a report.
const LONGEST: usize = 120;

/// The first keys that reports begin with, in whatever order a runner writes them.
const KEYS: [&str; 11] = [
    "config",
    "suites",
    "errors",
    "stats",
    "success",
    "snapshot",
    "startTime",
    "testResults",
    "openHandles",
    "wasInterrupted",
    "coverageMap",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Xml,
}

/// Finds reports in a stream of bytes and keeps them.
#[derive(Debug)]
pub(crate) struct Machine {
    folder: PathBuf,
    spool: Spool,
    /// Whether bytes are kept: from the first beginning of a report on.
    keeps: bool,
    length: u64,
    begun: Vec<(u64, Kind)>,
    pending: Vec<u8>,
    pending_at: u64,
}

impl Machine {
    /// A finder that keeps large reports in a file in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            spool: Spool::default(),
            keeps: false,
            length: 0,
            begun: Vec::new(),
            pending: Vec::new(),
            pending_at: 0,
        }
    }

    /// More bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let start = self.length;
        if self.keeps {
            self.spool.push(bytes, &self.folder);
            self.length += bytes.len() as u64;
        }
        let mut at = 0;
        // Offset in the spool of the byte at 0 of `bytes`; only used while bytes are kept.
        let mut base = i64::try_from(start).unwrap_or(i64::MAX);
        while at < bytes.len() && self.begun.len() < MOST {
            if self.pending.is_empty() {
                let Some(found) = memchr::memchr2(b'{', b'<', &bytes[at..]) else { break };
                at += found;
                self.pending_at = offset(base, at);
            }
            self.pending.push(bytes[at]);
            match decide(&self.pending) {
                Decision::Wait => at += 1,
                Decision::No => {
                    // The byte that decided may itself begin one.
                    at += usize::from(self.pending.len() == 1);
                    self.pending.clear();
                }
                Decision::Yes(kind) => {
                    at += 1;
                    let pending = std::mem::take(&mut self.pending);
                    if !self.keeps {
                        self.keeps = true;
                        self.pending_at = 0;
                        self.spool.push(&pending, &self.folder);
                        self.spool.push(&bytes[at..], &self.folder);
                        self.length = (pending.len() + bytes.len() - at) as u64;
                        base = i64::try_from(pending.len()).unwrap_or(0) - i64::try_from(at).unwrap_or(0);
                    }
                    self.begun.push((self.pending_at, kind));
                }
            }
        }
    }

    /// The reports, in their order. `framework` is the runner that was started, where that is known.
    pub(crate) fn reports(&self, framework: Option<&'static str>) -> Vec<Report> {
        let (mut found, mut end) = (Vec::new(), 0);
        if !self.spool.is_whole() {
            return found;
        }
        for (from, kind) in &self.begun {
            if *from < end {
                continue;
            }
            let Ok(reader) = self.spool.reader(*from) else { continue };
            let read = match kind {
                Kind::Json => js_json::read(reader, framework),
                Kind::Xml => junit::read(reader),
            };
            if let Some((report, length)) = read {
                end = from + length;
                found.push(report);
            }
        }
        found
    }
}

fn offset(base: i64, at: usize) -> u64 {
    u64::try_from(base + i64::try_from(at).unwrap_or(0)).unwrap_or(0)
}

enum Decision {
    Wait,
    No,
    Yes(Kind),
}

fn decide(bytes: &[u8]) -> Decision {
    if bytes.len() > LONGEST {
        return Decision::No;
    }
    if bytes[0] == b'<' {
        for name in ["<?xml", "<testsuite"] {
            if bytes == name.as_bytes() {
                return Decision::Yes(Kind::Xml);
            }
            if name.as_bytes().starts_with(bytes) {
                return Decision::Wait;
            }
        }
        return Decision::No;
    }
    let inner = bytes[1..].trim_ascii_start();
    match inner.split_first() {
        None => Decision::Wait,
        Some((b'"', key)) => match key.iter().position(|byte| *byte == b'"') {
            None if key.len() > 40 => Decision::No,
            None => Decision::Wait,
            Some(end) => {
                let key = &key[..end];
                let known = KEYS.iter().any(|known| known.as_bytes() == key);
                if known || (key.starts_with(b"num") && key.ends_with(b"s")) {
                    Decision::Yes(Kind::Json)
                } else {
                    Decision::No
                }
            }
        },
        Some(_) => Decision::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]]) -> Vec<(Option<usize>, usize)> {
        let folder = tempfile::tempdir().unwrap();
        let mut machine = Machine::new(folder.path());
        for piece in pieces {
            machine.push(piece);
        }
        machine.reports(Some("vitest")).into_iter().map(|report| (report.total, report.failed)).collect()
    }

    #[test]
    fn a_report_is_found_anywhere_and_in_any_pieces() {
        let text = b"[x] listening {\"level\":1} {{ \n  {\n \"numTotalTests\": 3, \"numPassedTests\":2,\"numFailedTests\":1,\"testResults\":[]} bye {\"numTotalTests\":5,\"numPassedTests\":5}";
        let wanted = vec![(Some(3), 1), (Some(5), 0)];
        assert_eq!(found(&[text]), wanted);
        for at in 0..text.len() {
            assert_eq!(found(&[&text[..at], &text[at..]]), wanted, "{at}");
        }
    }

    #[test]
    fn half_a_report_is_none() {
        assert_eq!(found(&[b"{\"numTotalTests\":3,\"numPassedTests\":"]), vec![]);
        assert_eq!(found(&[b"{\"config\":{}}"]), vec![]);
    }
}
