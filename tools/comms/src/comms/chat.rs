//! chat: reads along and sends what is typed, in a terminal. Messages scroll by above the line that is being typed.

use std::time::Duration;

use crewkit_store::chat::{Filter, GENERAL, Message, NewMessage};
use crewkit_tool::{Answer, Context, Outcome, Refusal, text};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::editor::Editor;
use super::follow::Follower;
use super::keys::{Key, Keys};
use super::signals::Signals;
use super::terminal::Terminal;
use super::{agents, lines, open};

/// How many messages are shown at first.
const FIRST: i64 = 10;

/// How long an escape may be the beginning of a key's sequence.
const ESCAPE: Duration = Duration::from_millis(50);

/// What ctrl-c sends.
const INTERRUPT: u8 = 3;

/// To the beginning of the line, and clear from there on.
const CLEAR: &str = "\r\x1b[J";

/// Talks until ctrl-c.
pub(super) fn run(context: &Context) -> Answer {
    if !context.stdin_is_terminal() || !context.stdout_is_terminal() {
        return Err(Refusal::new("chat needs a terminal; use post and history, or watch, without one"));
    }
    let follower = Follower::new(open(context)?)?;
    let leave = Signals::leaving()?;
    let mut redraw = Signals::redrawing()?;
    let mut room = Room {
        context,
        follower,
        name: agents::default_sender(context),
        editor: Editor::default(),
        terminal: Terminal::take()?,
    };
    let left = room.stay(&leave, &mut redraw);
    let _ = room.write(CLEAR);
    drop(room);
    left.map(|()| Outcome::silent())
}

struct Room<'a> {
    context: &'a Context,
    follower: Follower,
    name: String,
    editor: Editor,
    terminal: Terminal,
}

impl Room<'_> {
    fn stay(&mut self, leave: &Signals, redraw: &mut Signals) -> Result<(), Refusal> {
        self.write(&format!("Chatting as {} (return sends, ctrl-c leaves)\n", lines::name(&self.name)))?;
        for message in self.follower.chat().newest(FIRST, &Filter::default())? {
            self.write(&lines::numbered(&message))?;
        }
        self.draw()?;
        let mut keys = Keys::default();
        let mut bytes = [0; 4096];
        loop {
            let limit = if keys.is_undecided() { ESCAPE } else { self.follower.changes().limit() };
            let limit = rustix::event::Timespec::try_from(limit).ok();
            let input = rustix::stdio::stdin();
            let mut waiting = vec![
                PollFd::new(&input, PollFlags::IN),
                PollFd::new(leave, PollFlags::IN),
                PollFd::new(&*redraw, PollFlags::IN),
            ];
            let told = self.follower.changes().descriptor();
            waiting.extend(told.map(|told| PollFd::from_borrowed_fd(told, PollFlags::IN)));
            match rustix::event::poll(&mut waiting, limit.as_ref()) {
                Ok(0) => keys.time_passed(),
                Ok(_) | Err(Errno::INTR) => {}
                Err(fault) => return Err(Refusal::new(format!("waiting for keys failed: {fault}"))),
            }
            let [typed, left, resized] = [0, 1, 2].map(|at: usize| !waiting[at].revents().is_empty());
            if left {
                return Ok(());
            }
            if resized {
                redraw.forget();
                self.terminal.again()?;
                self.draw()?;
            }
            if typed {
                match rustix::io::read(input, &mut bytes) {
                    // A terminal that was closed has nothing more to say.
                    Ok(0) | Err(Errno::IO) => return Ok(()),
                    // A paste whose end got lost would take every key for its own; a person types this one by itself.
                    Ok(1) if keys.is_pasting() && bytes[0] == INTERRUPT => return Ok(()),
                    Ok(count) => {
                        for key in keys.read(&bytes[..count]) {
                            if self.press(&key)? == After::Leave {
                                return Ok(());
                            }
                        }
                        self.draw()?;
                    }
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(fault) => return Err(Refusal::new(format!("the terminal cannot be read: {fault}"))),
                }
            }
            self.show_new(false)?;
        }
    }

    fn press(&mut self, key: &Key) -> Result<After, Refusal> {
        match key {
            Key::Interrupt => return Ok(After::Leave),
            Key::EndOfInput if self.editor.is_empty() => return Ok(After::Leave),
            Key::Suspend => {
                self.write(CLEAR)?;
                self.terminal.suspend()?;
            }
            Key::Enter => self.send()?,
            key => self.editor.press(key),
        }
        Ok(After::Stay)
    }

    /// Posts what is typed. When that fails it stays, to be sent again.
    fn send(&mut self) -> Result<(), Refusal> {
        let message = self.editor.text();
        if message.trim().is_empty() {
            self.editor.clear();
            return Ok(());
        }
        let posted = self.follower.chat().post(&NewMessage {
            timestamp: &self.context.clock.local_millis(),
            sender: &self.name,
            channel: GENERAL,
            project: Some(GENERAL),
            nearest: GENERAL,
            reply_to: None,
            message: &message,
        });
        match posted {
            Ok(_) => {
                self.editor.clear();
                self.show_new(true)
            }
            Err(error) => self.write(&format!("{CLEAR}not sent: {}\n", text::one_line(&error.to_string()))),
        }
    }

    /// Shows what came in the meantime; `ours` when we posted ourselves.
    fn show_new(&mut self, ours: bool) -> Result<(), Refusal> {
        let mut new = String::new();
        let show = |message: &Message| {
            new.push_str(&lines::numbered(message));
            Ok(())
        };
        if ours {
            self.follower.read(show)?;
        } else {
            self.follower.look(show)?;
        }
        if new.is_empty() {
            return Ok(());
        }
        self.write(&format!("{CLEAR}{new}"))?;
        self.draw()
    }

    /// Draws the line that is being typed. It always fits the terminal's width, so it is one line however long.
    fn draw(&self) -> Result<(), Refusal> {
        let columns = Terminal::columns();
        let name = lines::name(&self.name);
        let prompt = if text::width(&name) * 3 > columns { "> ".to_owned() } else { format!("{name}> ") };
        let view = self.editor.view(columns.saturating_sub(text::width(&prompt)));
        let behind = text::width(&view.text).saturating_sub(view.cursor);
        let back = if behind > 0 { format!("\x1b[{behind}D") } else { String::new() };
        self.write(&format!("{CLEAR}{prompt}{}{back}", view.text))
    }

    fn write(&self, text: &str) -> Result<(), Refusal> {
        let fault = |fault| Refusal::new(format!("the terminal cannot be written: {fault}"));
        self.context.stream(text.as_bytes()).map_err(fault)
    }
}

#[derive(PartialEq, Eq)]
enum After {
    Stay,
    Leave,
}
