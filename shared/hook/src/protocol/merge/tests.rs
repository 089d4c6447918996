use super::*;
use crate::Plain;
use serde_json::json;

fn event(value: &Value) -> Event {
    Event::parse(value.to_string().as_bytes()).unwrap()
}

fn claude(name: &str) -> Event {
    event(&json!({"hook_event_name": name}))
}

fn merged(event: &Event, outcomes: Vec<Outcome>) -> (u8, Value, String) {
    let names = ["one", "two", "three", "four"];
    let given = outcomes.into_iter().zip(names).map(|(outcome, hook)| Given { hook, outcome, once: false }).collect();
    let outcome = event.merge(given);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let stdout = if outcome.stdout.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&outcome.stdout).unwrap_or_else(|_| json!(text(&outcome.stdout)))
    };
    (outcome.code, stdout, text(&outcome.stderr))
}

fn specific(value: &Value) -> Outcome {
    let mut all = json!({"hookEventName": "PreToolUse"});
    all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    Outcome::json(&json!({"hookSpecificOutput": all}))
}

#[test]
fn nothing_and_one_answer_stay_as_they_are() {
    let before = claude("PreToolUse");
    assert_eq!(merged(&before, vec![]), (0, Value::Null, String::new()));
    assert_eq!(merged(&before, vec![Outcome::silent(), Outcome::silent()]), (0, Value::Null, String::new()));
    let advice = before.advise("a", Plain::Stderr);
    assert_eq!(before.merge(vec![Given { hook: "one", outcome: advice.clone(), once: false }]), advice);
}

#[test]
fn what_two_hooks_find_is_said_once() {
    let (one, two) =
        ("no:\n  k.py:2: key\n\n  k.py:2: key\nmend it", "[BLOCKED] k.py:2: key\n[BLOCKED] k.py:3: key\nmend it");
    let said = "no:\n  k.py:2: key\n\n  k.py:2: key\nmend it\n[BLOCKED] k.py:3: key";
    let before = claude("PreToolUse");
    assert_eq!(merged(&before, vec![before.block(one), before.block(two)]).2, format!("{said}\n"));
    let copilot = event(&json!({"toolName": "bash"}));
    assert_eq!(merged(&copilot, vec![copilot.block(one), copilot.block(two)]).1["permissionDecisionReason"], said);
}

#[test]
fn a_block_wins_over_everything_and_keeps_what_the_others_said() {
    let before = claude("PreToolUse");
    let outcomes = vec![
        specific(&json!({"permissionDecision": "allow", "updatedInput": {"command": "x"}})),
        before.block("first no"),
        before.advise("advice", Plain::Stderr),
        before.block("second no\nits second line"),
    ];
    let reasons = "first no\nsecond no\nits second line\nadvice\n".to_owned();
    assert_eq!(merged(&before, outcomes), (2, Value::Null, reasons));
    let copilot = event(&json!({"toolName": "bash"}));
    let outcomes =
        vec![copilot.block("a"), copilot.add_context("c"), copilot.block("b"), copilot.advise("d", Plain::Stderr)];
    let deny = json!({"permissionDecision": "deny", "permissionDecisionReason": "a\nb", "additionalContext": "c"});
    assert_eq!(merged(&copilot, outcomes), (0, deny, "d\n".to_owned()));
    let by_code = vec![copilot.block("a"), Outcome::silent().with_stderr("b").with_code(2)];
    let deny = json!({"permissionDecision": "deny", "permissionDecisionReason": "b\na"});
    assert_eq!(merged(&copilot, by_code).1, deny);
    let bare = event(&json!({"tool_name": "Bash"}));
    let outcomes = vec![bare.advise("plain", Plain::Stdout), bare.block("no")];
    assert_eq!(merged(&bare, outcomes), (2, Value::Null, "no\nplain\n".to_owned()));
}

#[test]
fn of_permission_decisions_the_strictest_counts() {
    let before = claude("PreToolUse");
    let decide = |decision: &str, reason: &str| {
        specific(&json!({"permissionDecision": decision, "permissionDecisionReason": reason}))
    };
    let order = ["deny", "defer", "ask", "allow"];
    for (strict, one) in order.iter().enumerate() {
        for other in &order[strict + 1..] {
            for outcomes in [vec![decide(one, "x"), decide(other, "y")], vec![decide(other, "y"), decide(one, "x")]] {
                let answer = merged(&before, outcomes).1;
                let given = &answer["hookSpecificOutput"];
                assert_eq!(
                    (&given["permissionDecision"], &given["permissionDecisionReason"]),
                    (&json!(one), &json!("x"))
                );
            }
        }
    }
    let twice = merged(&before, vec![decide("ask", "x"), decide("ask", "y")]).1;
    assert_eq!(twice["hookSpecificOutput"]["permissionDecisionReason"], "x\ny");
    let denied = vec![specific(&json!({"updatedInput": {"a": 1}})), decide("deny", "no")];
    assert_eq!(merged(&before, denied).1["hookSpecificOutput"].get("updatedInput"), None);
}

#[test]
fn the_last_changed_input_counts_and_a_conflict_is_named() {
    let before = claude("PreToolUse");
    let change = |command: &str| specific(&json!({"updatedInput": {"command": command}}));
    let answer = merged(&before, vec![change("a"), change("b")]).1;
    assert_eq!(answer["hookSpecificOutput"]["updatedInput"], json!({"command": "b"}));
    let message = answer["systemMessage"].as_str().unwrap();
    assert!(message.contains("one") && message.contains("two"), "{message}");
    assert_eq!(merged(&before, vec![change("a"), change("a")]).1.get("systemMessage"), None);
}

#[test]
fn texts_are_joined_where_the_event_takes_them() {
    let joined = |name: &str| {
        let event = claude(name);
        merged(
            &event,
            vec![event.add_context("a"), event.add_context("b"), Outcome::json(&json!({"systemMessage": "m"}))],
        )
        .1
    };
    let wanted = json!({"systemMessage": "m", "hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "a\n\nb"}});
    assert_eq!(joined("PostToolUse"), wanted);
    assert_eq!(joined("PreCompact"), json!({"systemMessage": "a\nb\nm"}));
    let foreign = claude("PreCompact");
    let outcomes = vec![specific(&json!({"additionalContext": "a"})), foreign.add_context("b")];
    assert_eq!(merged(&foreign, outcomes).1, json!({"systemMessage": "b\na"}));
    let start = claude("SessionStart");
    let plain = merged(&start, vec![Outcome::text("a"), Outcome::text("b\nc")]);
    assert_eq!(plain, (0, json!("a\nb\nc\n"), String::new()));
    let mixed = merged(&start, vec![Outcome::text("a"), start.add_context("b")]).1;
    assert_eq!(mixed["hookSpecificOutput"]["additionalContext"], "a\n\nb");
    let before = claude("PreToolUse");
    let unseen = merged(&before, vec![Outcome::text("a"), before.add_context("b")]);
    assert_eq!((unseen.1["hookSpecificOutput"]["additionalContext"].as_str(), unseen.2.as_str()), (Some("b"), "a\n"));
    let bare = event(&json!({}));
    assert_eq!(merged(&bare, vec![Outcome::text("a"), Outcome::text("b")]).1, json!("a\nb\n"));
    assert_eq!(
        merged(&bare, vec![Outcome::text("a"), bare.add_context("b")]).1,
        json!({"additionalContext": "a\n\nb"})
    );
}

#[test]
fn stops_and_decisions_are_joined() {
    let stop = claude("Stop");
    let block = |reason: &str| Outcome::json(&json!({"decision": "block", "reason": reason}));
    assert_eq!(merged(&stop, vec![block("a"), block("b")]).1, json!({"decision": "block", "reason": "a\nb"}));
    assert_eq!(merged(&stop, vec![block("a"), stop.block("b")]), (2, Value::Null, "b\na\n".to_owned()));
    let halt = Outcome::json(&json!({"continue": false, "stopReason": "s", "suppressOutput": true, "new": 1}));
    let wanted = json!({"continue": false, "stopReason": "s", "suppressOutput": true, "systemMessage": "x", "new": 1});
    assert_eq!(merged(&stop, vec![halt, Outcome::json(&json!({"continue": true, "systemMessage": "x"}))]).1, wanted);
}

#[test]
fn what_failed_is_a_line_and_no_more() {
    let before = claude("PreToolUse");
    let failed = Outcome::silent().with_stderr("oops").with_code(1);
    assert_eq!(
        merged(&before, vec![failed.clone()]),
        (0, Value::Null, "oops\none ended with exit code 1\n".to_owned())
    );
    assert_eq!(merged(&before, vec![failed, before.block("no")]), (2, Value::Null, "no\n".to_owned()));
}

#[test]
fn what_comes_only_once_is_cut_last() {
    let before = claude("PreToolUse");
    let long = |letter: &str| before.add_context(&letter.repeat(7_000));
    let given = |hook, outcome, once| Given { hook, outcome, once };
    let outcome = before.merge(vec![
        given("one", long("é"), false),
        given("two", long("b"), true),
        given("three", long("c"), false),
    ]);
    let answer: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    let text = answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap();
    assert!(text.chars().count() < MOST_CONTEXT && text.contains(&"b".repeat(7_000)), "{}", text.len());
    assert!(text.contains("é\n[7000 characters, cut]") && !text.contains('c'.to_string().repeat(40).as_str()));
}

#[test]
fn a_block_is_known_in_every_form() {
    let before = claude("PreToolUse");
    let copilot = event(&json!({"toolName": "bash"}));
    let blocks = |outcome: Outcome| Given { hook: "one", outcome, once: false }.blocks();
    for outcome in [
        before.block("x"),
        copilot.block("x"),
        specific(&json!({"permissionDecision": "deny"})),
        Outcome::json(&json!({"decision": "block", "reason": "x"})),
    ] {
        assert!(blocks(outcome.clone()), "{outcome:?}");
    }
    for outcome in [
        Outcome::silent(),
        before.advise("say \"deny\" or \"block\"", Plain::Stderr),
        specific(&json!({"permissionDecision": "ask", "permissionDecisionReason": "\"deny\""})),
        Outcome::text("\"deny\""),
        Outcome::silent().with_code(1),
    ] {
        assert!(!blocks(outcome.clone()), "{outcome:?}");
    }
}
