//! The chat's terminal program, in a terminal of its own (made by python's pty module) with a screen to look at.

use std::path::Path;

use crewkit_tests::{Crew, Ended};

use super::comms::{COMMS, messages, post};

/// What a terminal shows: as much of ECMA-48 as the chat uses, and nothing else.
struct Screen {
    /// All lines since the beginning, those that have scrolled away too.
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    columns: usize,
}

/// Stands in the second place of a wide character.
const SECOND_HALF: char = '\0';

impl Screen {
    fn after(shown: &str, columns: usize) -> Self {
        let mut screen = Self { lines: vec![Vec::new()], row: 0, column: 0, columns };
        let mut rest = shown.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\r' => screen.column = 0,
                '\n' => screen.down(),
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['), "only control sequences");
                    let mut parameters = String::new();
                    let last = loop {
                        match rest.next().unwrap() {
                            last @ '@'..='~' => break last,
                            c => parameters.push(c),
                        }
                    };
                    match (parameters.as_str(), last) {
                        ("", 'J') => {
                            screen.lines.truncate(screen.row + 1);
                            screen.lines[screen.row].truncate(screen.column);
                        }
                        (by, 'D') => screen.column -= by.parse::<usize>().unwrap(),
                        ("?2004", 'h' | 'l') => {}
                        other => panic!("unknown sequence {other:?}"),
                    }
                }
                c => screen.put(c),
            }
        }
        screen
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.lines.len() {
            self.lines.push(Vec::new());
        }
    }

    fn put(&mut self, c: char) {
        assert!(!c.is_control(), "{c:?}");
        let width = if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{1f300}'..='\u{1faff}')
        {
            2
        } else {
            1
        };
        if self.column + width > self.columns {
            self.down();
            self.column = 0;
        }
        let line = &mut self.lines[self.row];
        let wanted = line.len().max(self.column + width);
        line.resize(wanted, ' ');
        line[self.column] = c;
        if width == 2 {
            line[self.column + 1] = SECOND_HALF;
        }
        self.column += width;
    }

    fn line(&self, row: usize) -> String {
        let line: String = self.lines[row].iter().filter(|c| **c != SECOND_HALF).collect();
        line.trim_end().to_owned()
    }

    fn lines(&self) -> Vec<String> {
        (0..self.lines.len()).map(|row| self.line(row)).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn typed(keys: impl AsRef<[u8]>) -> String {
    format!("type:{}", hex(keys.as_ref()))
}

fn until(shown: &str) -> String {
    format!("until:{}", hex(shown.as_bytes()))
}

fn posted(message: &str) -> String {
    format!("post:{}", hex(message.as_bytes()))
}

/// The chat in a terminal of 24 lines and 40 columns; each step is waited for.
fn chat(crew: &Crew, steps: &[String]) -> Ended {
    let program = crew.tool(COMMS).get_program().to_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/comms_chat.py");
    let mut command = crew.command("python3");
    command.arg(script).arg(program).arg("chat").arg("--").args(steps);
    crewkit_tests::finish(&mut command, None)
}

#[test]
fn chat_sends_what_is_typed_or_pasted_whole() {
    let crew = Crew::new();
    post(&crew, "API", "earlier\x1b[2J message");
    let long = format!("{} 日本語 end", "long ".repeat(40));
    let big = "0123456789\r\n".repeat(1_000);
    let ended = chat(
        &crew,
        &[
            typed("API: hello\n"),
            typed("two\rlines\r"),
            typed("\x1b[200~pasted\r\nin one\x1b[201~\r"),
            typed(&long),
            typed("\x7f\x7f\x7fEND\r"),
            typed("za\u{17c}\u{f3}"),
            typed("\x7f\r"),
            typed("\r \r"),
            typed(format!("\x1b[200~{big}\x1b[201~\r")),
            typed("never sent\x03"),
        ],
    )
    .code(0);
    let wanted = [
        "API: earlier\x1b[2J message",
        "tester: API: hello",
        "tester: two",
        "tester: lines",
        "tester: pasted\nin one",
        &format!("tester: {} 日本語 END", "long ".repeat(40)),
        "tester: zaż",
        &format!("tester: {}", "0123456789\n".repeat(1_000)),
    ];
    assert_eq!(messages(&crew), wanted);
    assert!(ended.stdout.contains("earlier[2J message") && ended.stdout.contains("#general API: hello"), "{ended:?}");
    assert!(ended.stderr.contains("cooked=True") && ended.stdout.contains("\x1b[?2004l"), "{}", ended.stderr);
    chat(&crew, &[typed("\x04")]).code(0);
}

#[test]
fn messages_scroll_by_above_the_line_that_is_typed() {
    let crew = Crew::new();
    let mut steps = vec![typed("日本 half a tho")];
    for number in 0..40 {
        steps.push(posted(&format!("number-{number} 🦀")));
    }
    steps.extend([until("number-39"), typed("ught\x1b[D\x1b[D"), typed("\x03")]);
    let ended = chat(&crew, &steps).code(0);
    let before_leaving = ended.stdout.rsplit_once("\r\x1b[J").unwrap().0;
    let screen = Screen::after(before_leaving, 40);
    let lines = screen.lines();
    let row = screen.row;
    assert_eq!(lines[row], "tester> 日本 half a thought", "what is typed is whole");
    assert_eq!(screen.column, "tester> ".len() + 4 + " half a thought".len() - 2);
    let text = lines[..row].join("\n");
    for number in 0..40 {
        assert_eq!(text.matches(&format!("number-{number} ")).count(), 1, "{number}: {text}");
    }
    assert!(!text.contains("half a"), "nothing of the typed line stays behind: {text}");
}

#[test]
fn a_long_line_never_wraps_and_follows_the_terminals_width() {
    let crew = Crew::new();
    let ended = chat(
        &crew,
        &[
            typed("日本語 and more ".repeat(20)),
            "size:10x22".into(),
            typed("x"),
            "size:30x70".into(),
            typed("y"),
            typed("\x01"),
        ],
    );
    let parts: Vec<&str> = ended.stdout.split(char::REPLACEMENT_CHARACTER).collect();
    assert_eq!(parts.len(), 3, "{ended:?}");
    for (part, columns) in parts.iter().zip([40_usize, 22, 70]) {
        // Two bytes of the size stand before all but the first.
        let shown = if columns == 40 { part } else { &part[2..] };
        let screen = Screen::after(shown, columns);
        let drawn: Vec<String> = screen.lines().into_iter().filter(|line| line.contains("> ")).collect();
        assert_eq!(drawn.len(), 1, "one line however long: {drawn:?}");
        assert!(drawn[0].chars().count() > columns / 3, "{drawn:?}");
    }
}

#[test]
fn it_is_stopped_and_continued_with_the_terminal_as_it_was() {
    let crew = Crew::new();
    let ended = chat(
        &crew,
        &[
            typed("before "),
            typed("\x1a"),
            "stopped".into(),
            posted("meanwhile"),
            "continue".into(),
            until("meanwhile"),
            typed("after\r"),
            typed("\x03"),
        ],
    )
    .code(0);
    assert_eq!(messages(&crew), ["API: meanwhile", "tester: before after"]);
    assert!(ended.stderr.starts_with("stopped cooked=True\nended 0 cooked=True"), "{}", ended.stderr);
    let again = ended.stdout.matches("\x1b[?2004h").count();
    assert!(again >= 2, "pasted text is marked again after it was continued: {again}");
}

#[test]
fn a_terminal_that_is_closed_ends_it() {
    let crew = Crew::new();
    let ended = chat(&crew, &[typed("never sent"), "close".into()]);
    assert!(ended.stderr.contains("ended 0"), "{ended:?}");
    post(&crew, "API", "the chat goes on");
    assert_eq!(messages(&crew), ["API: the chat goes on"]);
}

#[test]
fn a_paste_whose_end_got_lost_does_not_hold_anybody() {
    let crew = Crew::new();
    let ended = chat(&crew, &[typed("\x1b[200~half of it"), typed("\x03")]).code(0);
    assert!(ended.stderr.contains("cooked=True"));
    chat(&crew, &[typed("\x1b"), typed("[D ok\r"), typed("\x03")]).code(0);
    assert_eq!(messages(&crew), ["tester: [D ok"], "an escape by itself is a key");
}
