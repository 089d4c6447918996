//! Running a command, or reading standard input, with every line handed to a reader and every byte to the log.

use std::io::Read as _;

use crewkit_tool::process::{Interrupts, Run, Source};
use crewkit_tool::{Context, Refusal, exit_code};

use crate::Lines;
use crate::log::{Log, Writer};

/// What looks at output while it comes.
pub trait Reader {
    /// A line, cleaned (see [`crate::text::clean`]) and without its line end, at most [`crate::MAX_LINE`] bytes of it.
    fn line(&mut self, source: Source, line: &str);

    /// A piece of the raw output, before the lines that it ends: for a machine's report, which may be one long line.
    fn raw(&mut self, source: Source, bytes: &[u8]) {
        let _ = (source, bytes);
    }
}

/// How the two streams of a command are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// As one, in their true order; all of it is [`Source::Out`].
    Joined,
    /// Each by itself, their order only roughly true.
    Apart,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Its exit code, 128 + N when signal N ended it; 127 or 126 when it could not be started, with `refusal`. `None` for
    /// standard input, whose writer's code nobody knows here.
    pub code: Option<i32>,
    /// Why it could not be started.
    pub refusal: Option<String>,
    /// The signal that we were told to end by.
    pub interrupted: Option<i32>,
    /// Whether it was ended because its time was up.
    pub timed_out: bool,
    /// The bytes that it wrote.
    pub bytes: u64,
    /// All that it wrote, kept; `None` when that is nothing, or could not be kept.
    pub log: Option<Log>,
}

/// Runs a command to its end (see [`Run::stream`]). One that cannot be started is no error here: the answer still has
/// to come.
///
/// # Errors
/// When the system fails us in the middle.
pub fn capture(context: &Context, run: Run, streams: Streams, reader: &mut dyn Reader) -> Result<Captured, Refusal> {
    let mut writer = Writer::new(context);
    let (mut out, mut err) = (Lines::default(), Lines::default());
    let streamed = run.stream(streams == Streams::Joined, &mut |source, bytes| {
        writer.push(bytes);
        reader.raw(source, bytes);
        let lines = if source == Source::Out { &mut out } else { &mut err };
        lines.feed(bytes, &mut |line| reader.line(source, line));
    });
    out.finish(&mut |line| reader.line(Source::Out, line));
    err.finish(&mut |line| reader.line(Source::Err, line));
    let bytes = writer.bytes();
    match streamed {
        Ok(ended) => Ok(Captured {
            code: Some(ended.code),
            refusal: None,
            interrupted: ended.interrupted,
            timed_out: ended.timed_out,
            bytes,
            log: writer.finish(),
        }),
        Err(refusal) if bytes == 0 => {
            // Whatever else keeps a program from starting (a format the system does not know) is "not executable".
            let code = if refusal.code == exit_code::NOT_FOUND { refusal.code } else { exit_code::NOT_EXECUTABLE };
            let (interrupted, timed_out) = (None, false);
            let refusal = Some(refusal.message);
            Ok(Captured { code: Some(i32::from(code)), refusal, interrupted, timed_out, bytes, log: None })
        }
        Err(refusal) => Err(refusal),
    }
}

/// Reads standard input to its end in place of a command's output. A ctrl-C, which ends the program that writes it, does
/// not end us.
///
/// # Errors
/// When it cannot be read.
pub fn capture_stdin(context: &Context, reader: &mut dyn Reader) -> Result<Captured, Refusal> {
    let (mut writer, mut lines) = (Writer::new(context), Lines::default());
    let interrupts = Interrupts::note().ok();
    let mut stdin = context.stdin();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                writer.push(&buffer[..count]);
                reader.raw(Source::Out, &buffer[..count]);
                lines.feed(&buffer[..count], &mut |line| reader.line(Source::Out, line));
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(Refusal::new(format!("standard input cannot be read: {fault}"))),
        }
    }
    lines.finish(&mut |line| reader.line(Source::Out, line));
    let bytes = writer.bytes();
    let interrupted = interrupts.and_then(|interrupts| interrupts.seen());
    Ok(Captured { code: None, refusal: None, interrupted, timed_out: false, bytes, log: writer.finish() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};
    use std::path::Path;

    #[derive(Default)]
    struct Seen(Vec<(bool, String)>, usize);

    impl Reader for Seen {
        fn line(&mut self, source: Source, line: &str) {
            self.0.push((source == Source::Err, line.to_owned()));
        }
        fn raw(&mut self, _: Source, bytes: &[u8]) {
            self.1 += bytes.len();
        }
    }

    fn context(home: &Path, stdin: &[u8]) -> Context {
        let path = Context::process().environment.get("PATH").unwrap();
        Context::scripted(Script {
            environment: [("HOME".into(), home.into()), ("PATH".into(), path)].into(),
            directory: home.to_owned(),
            clock: Clock::System,
            stdin: stdin.to_vec(),
        })
    }

    #[test]
    fn lines_reach_the_reader_and_bytes_the_log() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path(), b"");
        let script = "printf '\\033[31mred\\033[0m\\r\\n'; echo err >&2; printf end; exit 3";
        let mut seen = Seen::default();
        let run = Run::new(&context, "sh").args(["-c", script]);
        let ended = capture(&context, run, Streams::Joined, &mut seen).unwrap();
        let lines: Vec<&str> = seen.0.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!((lines, ended.code), (vec!["red", "err", "end"], Some(3)));
        let log = ended.log.unwrap();
        assert_eq!(std::fs::read(&log.path).unwrap(), b"\x1b[31mred\x1b[0m\r\nerr\nend");
        assert_eq!((ended.bytes, log.bytes, seen.1), (21, 21, 21));
    }

    #[test]
    fn a_command_that_cannot_start_is_an_answer() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path(), b"");
        let run = Run::new(&context, "no-such-program-here");
        let ended = capture(&context, run, Streams::Apart, &mut Seen::default()).unwrap();
        assert_eq!((ended.code, ended.log), (Some(127), None));
        assert!(ended.refusal.unwrap().contains("no-such-program-here"));
        let ended = capture(&context, Run::new(&context, "/"), Streams::Apart, &mut Seen::default()).unwrap();
        assert_eq!(ended.code, Some(126));
    }

    #[test]
    fn standard_input_is_read_alike() {
        let home = tempfile::tempdir().unwrap();
        let mut seen = Seen::default();
        let ended = capture_stdin(&context(home.path(), b"a\nb"), &mut seen).unwrap();
        assert_eq!((seen.0.len(), ended.code, ended.bytes), (2, None, 3));
        assert!(ended.log.is_some());
    }
}
