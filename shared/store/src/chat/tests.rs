use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const NOW: &str = "2026-03-01T12:00:00.000";

fn scratch() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/messages.db");
    (folder, path)
}

fn new<'a>(sender: &'a str, project: Option<&'a str>, message: &'a str) -> NewMessage<'a> {
    NewMessage { timestamp: NOW, sender, channel: GENERAL, project, nearest: GENERAL, reply_to: None, message }
}

fn texts(unread: &Unread) -> Vec<&str> {
    unread.messages.iter().map(|message| message.message.as_str()).collect()
}

/// Offered by a process and confirmed by it.
fn take_as_far(chat: &Chat, reader: &Reader, project: &str, fits: impl Fn(&[Message], &Message) -> bool) -> Unread {
    let unread = chat.offer_unread(reader, project, "here", |_| false, fits).unwrap();
    if let Some(last) = unread.messages.last() {
        chat.confirm(reader, last.id, "here").unwrap();
    }
    unread
}

fn session(id: &str) -> Reader {
    Reader::new(id, None)
}

fn take(chat: &Chat, id: &str) -> Unread {
    take_as_far(chat, &session(id), GENERAL, |_, _| true)
}

#[test]
fn a_text_comes_back_byte_for_byte() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    let long = "ż🦀\0\x1b[31m\r\n".repeat(80_000);
    assert_eq!(chat.post(&new("A", None, &long)).unwrap(), 1);
    assert_eq!(chat.newest(1, &Filter::default()).unwrap()[0].message, long);
    assert_eq!(chat.last_id().unwrap(), 1);
}

#[test]
fn a_file_of_the_first_version_is_extended_and_keeps_its_rows() {
    let (_folder, path) = scratch();
    make_folder(&path).unwrap();
    let old = connect(&path, OpenFlags::SQLITE_OPEN_CREATE).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 3;
         CREATE TABLE agents (session_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT);
         CREATE TABLE last_read (session_id TEXT PRIMARY KEY, message_id INTEGER DEFAULT 0);
         CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, sender TEXT NOT NULL,
           channel TEXT DEFAULT 'general', message TEXT NOT NULL);
         INSERT INTO agents VALUES ('s-old-1', 'Web', 'then');
         INSERT INTO messages (timestamp, sender, message) VALUES ('2025-01-01T00:00:00.000', 'API', 'kept');",
    )
    .unwrap();
    drop(old);
    let chat = Chat::open(&path).unwrap();
    assert_eq!(texts(&take(&chat, "s-old-1")), ["kept"]);
    chat.register("s-new-1", "Web", "blog", NOW).unwrap();
    assert_eq!(chat.identity("s-old-1").unwrap().unwrap().name, "Web");
    assert_eq!(chat.identity("s-new-1").unwrap().unwrap().project, "blog");
    let version: i64 = chat.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let mode: String = chat.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!((version, mode.as_str()), (3, "wal"));
}

#[test]
fn names_unique_over_all_projects_are_found_when_they_stand_in_the_way() {
    let (_folder, path) = scratch();
    make_folder(&path).unwrap();
    let old = connect(&path, OpenFlags::SQLITE_OPEN_CREATE).unwrap();
    old.execute_batch(
        "CREATE TABLE agents (session_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT, project TEXT DEFAULT 'general');
         INSERT INTO agents VALUES ('s-old-1', 'Web', 'then', 'shop');",
    )
    .unwrap();
    drop(old);
    let chat = Chat::open(&path).unwrap();
    chat.register("s-new-1", "Web", "blog", NOW).unwrap();
    assert!(chat.is_shared_name("Web").unwrap());
    chat.register("s-new-2", "Web", "shop", NOW).unwrap();
    assert_eq!(chat.identity("s-old-1").unwrap(), None);
}

#[test]
fn unread_is_what_others_sent_to_the_project_or_to_all_above_the_cursor() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.register("s-web", "Web", "shop", NOW).unwrap();
    for (sender, project, text) in
        [("API", "shop", "mine"), ("API", "blog", "theirs"), ("Al", "general", "all"), ("Web", "shop", "own")]
    {
        chat.post(&new(sender, Some(project), text)).unwrap();
    }
    let reader = chat.identity("s-web").unwrap().unwrap();
    assert!(chat.has_unread(&session("s-web"), &reader).unwrap());
    assert_eq!(texts(&chat.peek_unread(&session("s-web"), GENERAL).unwrap()), ["mine", "all"]);
    assert_eq!(texts(&take(&chat, "s-web")), ["mine", "all"]);
    assert!(!chat.has_unread(&session("s-web"), &reader).unwrap());
    assert_eq!(texts(&take(&chat, "s-web")), [""; 0]);
    let cursor: i64 = chat.connection.query_row("SELECT message_id FROM last_read", [], |row| row.get(0)).unwrap();
    assert_eq!(cursor, 3);
    let elsewhere = take_as_far(&chat, &session("unnamed-1"), "blog", |_, _| true);
    assert_eq!((texts(&elsewhere), elsewhere.reader.name.as_str()), (vec!["theirs", "all"], "agent-unnamed-"));
}

#[test]
fn the_first_check_is_short_and_what_does_not_fit_comes_next() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    for number in 1..=120 {
        chat.post(&new("A", None, &number.to_string())).unwrap();
    }
    let first = take_as_far(&chat, &session("reader-1"), GENERAL, |taken, _| taken.len() < 20);
    assert_eq!((first.left_out, first.messages[0].id, first.messages.len(), first.more), (70, 71, 20, true));
    let second = take(&chat, "reader-1");
    assert_eq!((second.left_out, second.messages[0].id, second.messages.len(), second.more), (0, 91, 30, false));
    for number in 1..=60 {
        chat.post(&new("A", None, &number.to_string())).unwrap();
    }
    assert_eq!(take(&chat, "reader-1").messages.len(), 60);
}

#[test]
fn what_a_process_did_not_show_stays_unread_and_nothing_is_shown_twice() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    let web = session("s-web");
    chat.post(&new("API", None, "one")).unwrap();
    let offer = |process: &str, living: &[&str]| {
        chat.offer_unread(&web, GENERAL, process, |one| living.contains(&one), |_, _| true).unwrap()
    };
    assert_eq!(texts(&offer("first", &[])), ["one"]);
    chat.post(&new("API", None, "two")).unwrap();
    assert_eq!(texts(&offer("second", &["first"])), [""; 0], "first is still showing");
    assert_eq!(texts(&offer("first", &["first"])), [""; 0], "once a process");
    assert_eq!(texts(&offer("second", &[])), ["one", "two"], "first died");
    chat.confirm(&web, 2, "second").unwrap();
    assert_eq!(texts(&offer("third", &["second"])), [""; 0]);
    chat.confirm(&web, 1, "first").unwrap();
    assert_eq!(texts(&offer("third", &[])), [""; 0], "a late word does not move the cursor back");
    let left: i64 = chat.connection.query_row("SELECT count(*) FROM comms_shown", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_subagent_reads_for_itself() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.register("s-web", "Web", GENERAL, NOW).unwrap();
    chat.post(&new("API", None, "old")).unwrap();
    assert_eq!(texts(&take(&chat, "s-web")), ["old"]);
    chat.post(&new("API", None, "new")).unwrap();
    let helper = Reader::new("s-web", Some("a1"));
    let taken = take_as_far(&chat, &helper, GENERAL, |_, _| true);
    assert_eq!((texts(&taken), taken.reader.name.as_str()), (vec!["new"], "Web"), "from where its session stood");
    assert_eq!(texts(&take_as_far(&chat, &helper, GENERAL, |_, _| true)), [""; 0]);
    assert_eq!(texts(&take_as_far(&chat, &Reader::new("s-web", Some("a2")), GENERAL, |_, _| true)), ["new"]);
    assert_eq!(texts(&take(&chat, "s-web")), ["new"], "nothing was taken from it");
    chat.post(&NewMessage { timestamp: "2027", ..new("API", None, "later") }).unwrap();
    assert_eq!(chat.prune("2026-04").unwrap(), 2);
    let readers: Vec<String> = chat
        .connection
        .prepare("SELECT session_id FROM last_read")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert_eq!(readers, ["s-web"]);
}

#[test]
fn what_was_shown_apart_is_not_shown_by_a_check() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.register("s-web", "Web", "shop", NOW).unwrap();
    chat.register("s-other", "Web", "blog", NOW).unwrap();
    for text in ["one", "two", "three"] {
        chat.post(&new("API", None, text)).unwrap();
    }
    chat.mark_shown("Web", "shop", 2).unwrap();
    chat.mark_shown("Web", "shop", 2).unwrap();
    assert_eq!(texts(&take(&chat, "s-web")), ["one", "three"]);
    assert_eq!(texts(&take(&chat, "s-other")), ["one", "two", "three"]);
    chat.mark_shown("Web", GENERAL, 3).unwrap();
    let left: i64 = chat.connection.query_row("SELECT count(*) FROM comms_shown", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0, "what the cursor has passed is not kept");
}

#[test]
fn an_answer_knows_what_it_answers() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.post(&new("Web", None, "which port?")).unwrap();
    chat.post(&new("Al", None, "lunch?")).unwrap();
    chat.post(&NewMessage { reply_to: Some(1), ..new("API", None, "8080") }).unwrap();
    chat.post(&NewMessage { reply_to: Some(3), ..new("Web", None, "thanks") }).unwrap();
    let third = chat.message(3).unwrap().unwrap();
    assert_eq!((third.reply_to, third.answered.as_deref()), (Some(1), Some("Web")));
    assert_eq!(chat.message(9).unwrap(), None);
    let thread = Filter { thread: Some(1), ..Filter::default() };
    assert_eq!(chat.newest(9, &thread).unwrap().iter().map(|one| one.id).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(chat.project_of("Web", GENERAL).unwrap(), None);
}

#[test]
fn the_search_for_unread_never_reads_other_projects() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.last_id().unwrap();
    let sql = format!("EXPLAIN QUERY PLAN SELECT 1 FROM {}", super::unread::UNREAD);
    let plan: String =
        chat.connection.query_row(&sql, rusqlite::params!["s", "Web", "shop", "s"], |row| row.get(3)).unwrap();
    assert!(plan.contains("comms_messages_project (project=? AND rowid>?)"), "{plan}");
}

#[test]
fn an_id_stands_for_a_session_by_its_beginning_and_literally() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.register("feed1234-0000", "API", "shop", NOW).unwrap();
    chat.register("feed1299-0000", "Data", "shop", NOW).unwrap();
    chat.register("s1", "App", "shop", NOW).unwrap();
    let assign = |name, id| chat.assign(name, id, NOW).unwrap();
    assert_eq!(assign("Boss", "feed1234"), Assigned::Done);
    assert_eq!(assign("Boss", "fee"), Assigned::TooShort);
    assert_eq!(assign("Boss", "feed%"), Assigned::Done);
    assert!(matches!(assign("Boss", "feed12"), Assigned::Several(found) if found.len() == 2));
    assert_eq!(assign("Ops", "s1"), Assigned::Done);
    let name = |session| chat.identity(session).unwrap().map(|identity| identity.name);
    assert_eq!(name("feed1234-0000").as_deref(), Some("Boss"));
    assert_eq!(name("feed1299-0000").as_deref(), Some("Data"));
    assert_eq!(name("s1").as_deref(), Some("Ops"));
    assert_eq!(name("s1-longer"), None);
    assert_eq!(name("feed%-later").as_deref(), Some("Boss"));
}

#[test]
fn senders_show_the_names_they_have_now() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    for sender in ["agent-01234567", "agent-89abcdef", "agent-", "Web", "al"] {
        chat.post(&new(sender, None, "x")).unwrap();
    }
    chat.register("01234567-89ab", "API", GENERAL, NOW).unwrap();
    chat.assign("Data", "89ab", NOW).unwrap();
    chat.register("77777777", "Web", GENERAL, NOW).unwrap();
    let seen: Vec<_> = chat.speakers(20).unwrap().into_iter().map(|one| (one.sender, one.name)).collect();
    let pair = |sender: &str, name: Option<&str>| (sender.to_owned(), name.map(str::to_owned));
    assert_eq!(
        seen,
        [
            pair("al", None),
            pair("Web", Some("Web")),
            pair("agent-", None),
            pair("agent-89abcdef", Some("Data")),
            pair("agent-01234567", Some("API"))
        ]
    );
    assert_eq!(chat.names().unwrap(), ["API", "Data", "Web"]);
}

#[test]
fn a_post_goes_to_its_senders_project() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    chat.register("s-1", "Web", "shop", "1").unwrap();
    chat.register("s-2", "Web", "blog", "2").unwrap();
    chat.post(&new("Web", None, "newest")).unwrap();
    chat.post(&NewMessage { nearest: "shop", ..new("Web", None, "nearest") }).unwrap();
    chat.post(&new("Al", None, "all")).unwrap();
    chat.say("s-1", GENERAL, NOW, "own").unwrap();
    chat.arrive("s-9", Some("API"), "shop", NOW, "here").unwrap();
    let projects: Vec<_> = chat.after(0, 9).unwrap().into_iter().map(|one| one.project).collect();
    assert_eq!(projects, ["blog", "shop", "general", "shop", "shop"]);
}

#[test]
fn the_newest_pass_a_filter_and_old_ones_go() {
    let (_folder, path) = scratch();
    let chat = Chat::open(&path).unwrap();
    for (time, sender, text) in
        [("2026-01-01T00:00:00.000", "A", "Red fox"), ("2026-02-01T00:00:00.000", "b", "red hen"), (NOW, "A", "dog")]
    {
        chat.post(&NewMessage { timestamp: time, ..new(sender, None, text) }).unwrap();
    }
    let ids = |filter: Filter| chat.newest(9, &filter).unwrap().iter().map(|one| one.id).collect::<Vec<_>>();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    assert_eq!(ids(Filter::default()), [1, 2, 3]);
    assert_eq!(ids(Filter { sender: Some("a".into()), ..Filter::default() }), [1, 3]);
    assert_eq!(ids(Filter { words: words(&["RED"]), ..Filter::default() }), [1, 2]);
    assert_eq!(ids(Filter { words: words(&["red", "%"]), ..Filter::default() }), [0; 0]);
    assert_eq!(ids(Filter { since: Some("2026-02".into()), ..Filter::default() }), [2, 3]);
    assert_eq!(
        chat.active_since("2026-02").unwrap().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["A", "b"]
    );
    assert_eq!(chat.prune("2026-02-15").unwrap(), 2);
    assert_eq!(ids(Filter::default()), [3]);
}

#[test]
fn the_log_stays_short_when_every_post_is_a_process_of_its_own() {
    let (_folder, path) = scratch();
    for _ in 0..240 {
        Chat::open(&path).unwrap().post(&new("A", None, "x")).unwrap();
    }
    let log = fs::metadata(path.with_file_name("messages.db-wal")).unwrap().len();
    assert!(log < 110 * 4120, "{log} bytes");
}
