use super::*;
use crate::Settings;

const NOW: &str = "2026-01-02 03:04:05";

fn scratch() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { path: folder.path().join("d.db"), host: "h".into(), now: NOW.into() };
    let store = Store::open_or_create(&settings).unwrap();
    (folder, store)
}

fn entry<'a>(repository: &'a str, branch: &'a str, priority: i64) -> NewEntry<'a> {
    NewEntry { repository, branch, worktree_path: None, plan_id: None, priority }
}

fn branches(queue: MergeQueue<'_>, repository: Option<&str>) -> Vec<String> {
    queue.entries(repository).unwrap().into_iter().map(|entry| entry.branch).collect()
}

#[test]
fn the_line_is_by_priority_then_age_then_number() {
    let (_folder, store) = scratch();
    let queue = store.merge_queue();
    queue.enqueue(entry("/a", "late", 0), "2026-01-02 03:04:06").unwrap();
    queue.enqueue(entry("/a", "early", 0), NOW).unwrap();
    queue.enqueue(entry("/a", "early too", 0), NOW).unwrap();
    queue.enqueue(entry("/a", "urgent", 5), "2026-01-02 04:00:00").unwrap();
    queue.enqueue(entry("/a", "idle", -5), "2026-01-01 00:00:00").unwrap();
    queue.enqueue(entry("/b", "elsewhere", 9), NOW).unwrap();
    assert_eq!(branches(queue, Some("/a")), ["urgent", "early", "early too", "late", "idle"]);
    assert_eq!(branches(queue, None).len(), 6);
    let idle = queue.entries(Some("/a")).unwrap()[4].id;
    assert!(queue.claim(idle, "/a", None, NOW).unwrap());
    assert_eq!(branches(queue, Some("/a"))[0], "idle");
}

#[test]
fn a_branch_is_in_the_line_once_in_each_repository() {
    let (_folder, store) = scratch();
    let queue = store.merge_queue();
    let first = queue.enqueue(entry("/a", "x", 0), NOW).unwrap().unwrap();
    assert_eq!(queue.enqueue(entry("/a", "x", 1), NOW).unwrap(), None);
    assert!(queue.enqueue(entry("/b", "x", 0), NOW).unwrap().is_some());
    assert!(queue.claim(first, "/a", None, NOW).unwrap());
    assert!(!queue.claim(first, "/a", None, NOW).unwrap());
    assert_eq!(queue.enqueue(entry("/a", "x", 1), NOW).unwrap(), None);
    queue.failed(first, "no", NOW).unwrap();
    let again = queue.enqueue(entry("/a", "x", 3), NOW).unwrap().unwrap();
    let rows = queue.entries(Some("/a")).unwrap();
    assert_eq!((rows.len(), rows[0].id, rows[0].priority, rows[0].error.clone()), (1, again, 3, None));
}

#[test]
fn a_row_without_a_repository_counts_for_each_and_is_taken_by_one() {
    let (_folder, store) = scratch();
    let queue = store.merge_queue();
    store
        .write(|c| c.execute("INSERT INTO merge_queue (branch) VALUES ('old')", []).map_err(|f| store.fail(&f)))
        .unwrap();
    assert_eq!((branches(queue, Some("/a")), branches(queue, Some("/b"))), (vec!["old".into()], vec!["old".into()]));
    assert_eq!(queue.enqueue(entry("/a", "old", 0), NOW).unwrap(), None);
    let id = queue.entries(None).unwrap()[0].id;
    assert!(queue.claim(id, "/a", Some("abc"), NOW).unwrap());
    assert_eq!((branches(queue, Some("/a")).len(), branches(queue, Some("/b")).len()), (1, 0));
}

#[test]
fn an_entry_put_back_keeps_its_place_and_forgets_its_steps() {
    let (_folder, store) = scratch();
    let queue = store.merge_queue();
    let id = queue.enqueue(entry("/a", "x", 0), NOW).unwrap().unwrap();
    queue.enqueue(entry("/a", "y", 0), NOW).unwrap();
    queue.claim(id, "/a", Some("h"), NOW).unwrap();
    queue.note_step(QueueStep::Moving, &[(id, "b", "c")]).unwrap();
    let row = queue.entry(id).unwrap().unwrap();
    assert_eq!(
        (row.step.as_deref(), row.base.as_deref(), row.candidate.as_deref()),
        (Some("moving"), Some("b"), Some("c"))
    );
    queue.put_back(&[id]).unwrap();
    assert_eq!(branches(queue, Some("/a")), ["x", "y"]);
    let row = queue.entry(id).unwrap().unwrap();
    assert_eq!((row.state, row.started_at, row.candidate), (QueueState::Queued, None, None));
}

#[test]
fn cleaning_counts_hours_from_the_end() {
    let (_folder, store) = scratch();
    let queue = store.merge_queue();
    for branch in ["x", "y"] {
        queue.enqueue(entry("/a", branch, 0), "2025-01-01 00:00:00").unwrap();
    }
    assert_eq!(queue.cancel(Some("/b"), "x", NOW).unwrap(), 0);
    assert_eq!(queue.cancel(Some("/a"), "x", "2026-01-01 00:00:00").unwrap(), 1);
    assert_eq!(queue.clean(Some("/a"), 28, NOW).unwrap(), 0);
    assert_eq!(queue.clean(Some("/b"), 0, NOW).unwrap(), 0);
    assert_eq!(queue.clean(Some("/a"), 27, NOW).unwrap(), 1);
    assert_eq!(queue.clean(None, u32::MAX, NOW).unwrap(), 0);
    assert_eq!(branches(queue, Some("/a")), ["y"]);
}

#[test]
fn an_older_queue_keeps_its_rows_and_lets_a_branch_wait_in_two_repositories() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { path: folder.path().join("d.db"), host: "h".into(), now: NOW.into() };
    #[expect(clippy::disallowed_methods, reason = "a database as it was before")]
    let old = Connection::open(&settings.path).unwrap();
    old.execute_batch(
        "CREATE TABLE merge_queue (id INTEGER PRIMARY KEY, branch TEXT NOT NULL UNIQUE, worktree_path TEXT, \
         plan_id INTEGER, priority INTEGER DEFAULT 0, status TEXT DEFAULT 'queued' CHECK (status IN \
         ('queued','processing','done','failed','cancelled')), queued_at DATETIME DEFAULT (datetime('now')), \
         started_at DATETIME, completed_at DATETIME, result TEXT, error TEXT); \
         INSERT INTO merge_queue (id, branch, priority, status) VALUES (7, 'x', 2, 'queued'), (9, 'y', 0, 'done');",
    )
    .unwrap();
    drop(old);
    let store = Store::open_or_create(&settings).unwrap();
    let queue = store.merge_queue();
    let rows = queue.entries(Some("/a")).unwrap();
    assert_eq!(rows.iter().map(|row| (row.id, row.priority)).collect::<Vec<_>>(), [(7, 2), (9, 0)]);
    assert!(queue.claim(7, "/a", None, NOW).unwrap());
    assert!(queue.enqueue(entry("/b", "x", 0), NOW).unwrap().is_some());
    assert_eq!(queue.enqueue(entry("/a", "x", 0), NOW).unwrap(), None);
}
