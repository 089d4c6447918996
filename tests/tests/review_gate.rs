//! review-gate against a GitHub of ours, over HTTP and through gh.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crewkit_tests::http::{Reply, Request, Server};
use crewkit_tests::{Crew, Value, json};

const BOT: &str = "copilot-pull-request-reviewer[bot]";
const TOKEN: &str = "ghs_averysecrettoken";
const HEAD: &str = "abc123abc123abc123abc123abc123abc123abcd";

fn review(login: &str, state: &str) -> Value {
    json!({"user": {"login": login}, "state": state, "commit_id": HEAD})
}

fn thread(login: &str, is_resolved: bool) -> Value {
    json!({"isResolved": is_resolved, "comments": {"nodes": [{"author": {"login": login}}]}})
}

/// GitHub with these reviews and threads, in pages of so many.
struct Github {
    reviews: Vec<Value>,
    threads: Vec<Value>,
    page: usize,
}

impl Github {
    fn new(reviews: Vec<Value>, threads: Vec<Value>) -> Self {
        Self { reviews, threads, page: 100 }
    }

    fn answer(&self, request: &Request) -> Reply {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let given = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        if path == "/repos/acme/shop/pulls/7/reviews" {
            let number: usize = given("page").unwrap_or("1").parse().unwrap();
            let size = self.page.min(given("per_page").unwrap_or("30").parse().unwrap());
            let rows: Vec<_> = self.reviews.iter().skip((number - 1) * size).take(size).collect();
            let host = request.headers.iter().find_map(|line| line.strip_prefix("host: ")).unwrap();
            let reply = Reply::new(200, json!(rows));
            return if number * size < self.reviews.len() {
                reply.header(format!("Link: <http://{host}{path}?per_page={size}&page={}>; rel=\"next\"", number + 1))
            } else {
                reply
            };
        }
        if path == "/graphql" {
            let variables = &request.json()["variables"];
            assert_eq!((&variables["owner"], &variables["number"]), (&json!("acme"), &json!(7)));
            let start: usize = variables["endCursor"].as_str().unwrap_or("0").parse().unwrap();
            let end = (start + self.page).min(self.threads.len());
            let more = end < self.threads.len();
            let threads = json!({"nodes": self.threads[start..end], "pageInfo": {"hasNextPage": more, "endCursor": end.to_string()}});
            return Reply::new(200, json!({"data": {"repository": {"pullRequest": {"reviewThreads": threads}}}}));
        }
        match (request.method.as_str(), path) {
            ("POST", path) if path.starts_with("/repos/acme/shop/statuses/") => Reply::new(201, "{}"),
            ("GET", "/repos/acme/shop/pulls/7") => Reply::new(200, json!({"number": 7, "head": {"sha": HEAD}})),
            _ => Reply::new(404, json!({"message": "Not Found"})),
        }
    }

    fn serve(self) -> Server {
        Server::new(move |request, _| self.answer(request))
    }
}

/// A crew in a workflow's step for an event of pull request 7.
fn step(server: &Server) -> Crew {
    let crew = Crew::new();
    let event = crew.root().join("event.json");
    let told = json!({"pull_request": {"number": 7, "head": {"sha": HEAD}, "html_url": "https://github.com/acme/shop/pull/7"}});
    crew.write(&event, told.to_string());
    crew.with("GITHUB_REPOSITORY", "acme/shop")
        .with("GITHUB_EVENT_PATH", &event)
        .with("GITHUB_API_URL", server.address())
        .with("GH_TOKEN", TOKEN)
}

/// The statuses that were set: the commit and what was said of it.
fn statuses(server: &Server) -> Vec<(String, Value)> {
    let posts = server.requests().into_iter().filter(|request| request.target.contains("/statuses/"));
    posts.map(|request| (request.target.rsplit('/').next().unwrap().to_owned(), request.json())).collect()
}

fn gate<const N: usize>(crew: &Crew, arguments: [&str; N]) -> crewkit_tests::Ended {
    let ended = crew.run("scripts/review-gate.sh", arguments);
    assert!(!format!("{ended:?}").contains(TOKEN), "the token is never told: {ended:?}");
    ended
}

#[test]
fn reviews_and_threads_of_all_pages_count() {
    let mut reviews: Vec<Value> = (0..250).map(|number| review(&format!("user-{number}"), "APPROVED")).collect();
    reviews.push(review(BOT, "COMMENTED"));
    let mut threads: Vec<Value> = (0..120).map(|_| thread("copilot-pull-request-reviewer", true)).collect();
    threads.extend([thread("alice", false), thread("copilot-pull-request-reviewer", false)]);
    threads.push(json!({"isResolved": false, "comments": {"nodes": [{"author": null}]}}));
    let server = Github::new(reviews, threads).serve();
    let crew = step(&server);
    let ended = gate(&crew, []).code(0);
    assert!(ended.stdout.contains("failure: 1 open review thread (acme/shop#7"), "{ended:?}");
    let set = statuses(&server);
    let wanted = json!({"state": "failure", "context": "Copilot Review Gate", "description": "1 open review thread",
        "target_url": "https://github.com/acme/shop/pull/7"});
    assert_eq!(set, [(HEAD.to_owned(), wanted)]);
    let requests = server.requests();
    assert_eq!(requests.len(), 3 + 2 + 1, "three pages of reviews, two of threads, one status");
    let authorization = format!("authorization: Bearer {TOKEN}");
    assert!(requests.iter().all(|request| request.headers.contains(&authorization)));
}

#[test]
fn each_situation_has_its_state() {
    for (reviews, threads, state) in [
        (vec![], vec![], "pending"),
        (vec![review("alice", "APPROVED")], vec![thread(BOT, false)], "pending"),
        (vec![review(BOT, "DISMISSED"), review(BOT, "PENDING")], vec![], "pending"),
        (vec![review(BOT, "COMMENTED")], vec![thread("copilot-pull-request-reviewer", true)], "success"),
        (vec![review(BOT, "APPROVED")], vec![thread("alice", false)], "success"),
        (vec![review(BOT, "APPROVED")], vec![thread("copilot-pull-request-reviewer", false)], "failure"),
        (vec![json!({"user": null, "state": "APPROVED", "commit_id": null})], vec![], "pending"),
    ] {
        let server = Github::new(reviews, threads).serve();
        let said = gate(&step(&server), ["--json"]).code(0).json();
        assert_eq!((&said["state"], &said["posted"], &said["pr"]), (&json!(state), &json!(true), &json!(7)));
        assert_eq!(statuses(&server)[0].1["state"], json!(state));
    }
}

#[test]
fn what_cannot_be_read_is_no_pass() {
    let answers: [fn(&Request) -> Option<Reply>; 7] = [
        |_| Some(Reply::new(401, json!({"message": "Bad credentials"}))),
        |_| Some(Reply::new(403, json!({"message": "API rate limit exceeded"})).header("x-ratelimit-remaining: 0")),
        |request| request.target.contains("graphql").then(|| Reply::new(403, "{}")),
        |request| {
            let errors =
                json!({"data": {"repository": null}, "errors": [{"message": "Could not resolve to a Repository"}]});
            request.target.contains("graphql").then(|| Reply::new(200, errors))
        },
        |request| request.target.contains("graphql").then(|| Reply::new(200, json!({"data": null}))),
        |request| request.target.contains("reviews").then(|| Reply::new(200, "<html>")),
        |request| request.target.contains("reviews").then(|| Reply::new(200, json!({"message": "moved"}))),
    ];
    for answer in answers {
        let github = Github::new(vec![review(BOT, "APPROVED")], vec![]);
        let server = Server::new(move |request, _| answer(request).unwrap_or_else(|| github.answer(request)));
        gate(&step(&server), []).refused(1, &["acme/shop#7", "cannot be read"]);
        assert_eq!(statuses(&server), []);
    }
}

#[test]
fn a_host_that_stumbles_is_asked_again_and_one_that_is_gone_is_told() {
    let github = Github::new(vec![review(BOT, "APPROVED")], vec![]);
    let server =
        Server::new(
            move |request, before| {
                if before == 0 { Reply::new(502, "<html>bad gateway</html>") } else { github.answer(request) }
            },
        );
    gate(&step(&server), []).code(0);
    assert_eq!(statuses(&server).len(), 1);
    let crew = step(&server);
    drop(server);
    gate(&crew, []).refused(1, &["does not answer"]);
}

#[test]
fn the_token_goes_to_no_other_place() {
    let elsewhere = Server::new(|_, _| Reply::new(200, "[]"));
    let link = format!("Link: <{}/repos/acme/shop/pulls/7/reviews?page=2>; rel=\"next\"", elsewhere.address());
    let server = Server::new(move |_, _| Reply::new(200, "[]").header(link.as_str()));
    gate(&step(&server), []).refused(1, &["elsewhere"]);
    assert_eq!(elsewhere.requests().len(), 0);
    let open = step(&server).with("GITHUB_API_URL", "http://api.example.com");
    gate(&open, []).refused(1, &["GITHUB_API_URL", "http://api.example.com"]);
}

#[test]
fn an_event_without_a_pull_request_asks_nobody() {
    let server = Github::new(vec![], vec![]).serve();
    let crew = step(&server);
    for event in ["{\"action\":\"created\"}", "{\"issue\":{\"number\":3}}", "{\"pull_request\":null}", "[]"] {
        crew.write(&crew.root().join("event.json"), event);
        let ended = gate(&crew, []).code(0);
        assert!(ended.stdout.contains("no pull request"), "{ended:?}");
        assert_eq!(gate(&crew, ["--json"]).code(0).json(), json!({"state": null, "posted": false}));
    }
    for event in ["", "{broken"] {
        crew.write(&crew.root().join("event.json"), event);
        gate(&crew, []).refused(1, &["GITHUB_EVENT_PATH"]);
    }
    assert_eq!(server.requests().len(), 0);
    crew.write(&crew.root().join("event.json"), "{\"issue\":{\"number\":7,\"pull_request\":{}}}");
    gate(&crew, []).code(0);
    assert_eq!(statuses(&server)[0].0, HEAD, "a comment's event names no commit: it is asked for");
}

#[test]
fn a_token_that_only_reads_is_explained() {
    let github = Github::new(vec![review(BOT, "APPROVED")], vec![]);
    let server = Server::new(move |request, _| {
        if request.method == "POST" && request.target.contains("/statuses/") {
            return Reply::new(403, json!({"message": "Resource not accessible by integration"}));
        }
        github.answer(request)
    });
    let crew = step(&server);
    gate(&crew, []).refused(1, &["cannot be written", "Resource not accessible", "statuses: write"]);
    let fork = json!({"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": {"full_name": "eve/shop"}}}});
    crew.write(&crew.root().join("event.json"), fork.to_string());
    gate(&crew, []).refused(1, &["cannot be written", "fork", "pull_request_target"]);
}

#[test]
fn a_gate_that_waits_tells_what_changes() {
    let looks = Mutex::new(0);
    let server = Server::new(move |request, _| {
        let mut looks = looks.lock().unwrap();
        *looks += usize::from(request.target.contains("/reviews"));
        let reviews = if *looks > 2 { vec![review(BOT, "COMMENTED")] } else { vec![] };
        Github::new(reviews, vec![]).answer(request)
    });
    let started = Instant::now();
    let said = gate(&step(&server), ["--wait", "9", "--json"]).code(0).json();
    assert!(started.elapsed() < Duration::from_secs(8));
    assert_eq!(said["state"], "success");
    let states: Vec<Value> = statuses(&server).into_iter().map(|(_, status)| status["state"].clone()).collect();
    assert_eq!(states, ["pending", "success"]);

    let never = Github::new(vec![], vec![]).serve();
    assert_eq!(gate(&step(&never), ["--wait", "1", "--json"]).code(0).json()["state"], "pending");
    assert_eq!(statuses(&never).len(), 1);
}

#[test]
fn flags_say_what_is_meant() {
    let reviews = vec![
        review(BOT, "COMMENTED"),
        json!({"user": {"login": "alice"}, "state": "APPROVED", "commit_id": "0123456789"}),
    ];
    let server = Github::new(reviews, vec![thread("alice", false)]).serve();
    let crew = step(&server);
    let said = |arguments: &[&str]| {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let said = crew.run("review-gate", all).code(0).json();
        format!("{} {}", said["state"].as_str().unwrap(), said["description"].as_str().unwrap())
    };
    assert_eq!(said(&[]), "success Reviewed, no open review threads");
    assert_eq!(said(&["--reviewer", "Alice"]), "failure 1 open review thread");
    assert_eq!(
        said(&["--reviewer", "alice", "--reviewer", BOT, "--require-head"]),
        "pending Waiting for a review of this commit by alice"
    );
    assert_eq!(said(&["--reviewer", &format!("alice,{BOT},bob")]), "pending Waiting for a review by bob");
    let before = statuses(&server).len();
    assert_eq!(said(&["--dry-run"]), "success Reviewed, no open review threads");
    assert_eq!(statuses(&server).len(), before);
    said(&["--sha", "feed", "--context", "Gate"]);
    let (commit, status) = statuses(&server).pop().unwrap();
    assert_eq!((commit.as_str(), &status["context"]), ("feed", &json!("Gate")));
    let elsewhere = Crew::new().with("GITHUB_API_URL", server.address()).with("GITHUB_TOKEN", TOKEN);
    elsewhere.run("review-gate", ["--repo", "acme/shop", "--pr", "7"]).code(0);
    let (commit, status) = statuses(&server).pop().unwrap();
    assert_eq!((commit.as_str(), &status["target_url"]), (HEAD, &json!("https://github.com/acme/shop/pull/7")));
}

#[test]
fn wrong_usage_is_one_line_and_asks_nobody() {
    let server = Github::new(vec![], vec![]).serve();
    let crew = step(&server);
    for (arguments, part) in [
        (&["--repo", "acme"][..], "--repo"),
        (&["--repo", "acme/shop/../x"], "--repo"),
        (&["--pr", "0"], "--pr"),
        (&["--pr", "7;id"], "--pr"),
        (&["--sha", "a/../../b"], "--sha"),
        (&["--sha", ""], "--sha"),
        (&["--reviewer", "a b"], "--reviewer"),
        (&["--reviewer", ""], "--reviewer"),
        (&["--context", " "], "--context"),
        (&["--wait", "soon"], "--wait"),
        (&["extra"], "extra"),
    ] {
        crew.run("review-gate", arguments).refused(1, &[part]);
    }
    assert_eq!(server.requests().len(), 0);
    Crew::new().run("review-gate", [""; 0]).refused(1, &["GITHUB_EVENT_PATH"]);
    let bare = Crew::new().with("GITHUB_API_URL", server.address()).with("PATH", "/nowhere");
    bare.run("review-gate", ["--repo", "a/b", "--pr", "1"]).refused(1, &["GH_TOKEN"]);
}

/// gh, which knows pages by its own option, keeps what was set in `statuses`.
const GH: &str = r#"
case "$*" in
*graphql*endCursor=c1*) echo '{"data":{"repository":{"pullRequest":{"reviewThreads":{"pageInfo":{"hasNextPage":false,"endCursor":"c2"},"nodes":[{"isResolved":false,"comments":{"nodes":[{"author":{"login":"copilot-pull-request-reviewer"}}]}}]}}}}}' ;;
*graphql*) echo '{"data":{"repository":{"pullRequest":{"reviewThreads":{"pageInfo":{"hasNextPage":true,"endCursor":"c1"},"nodes":[]}}}}}' ;;
*/reviews*--paginate*) echo '[{"user":{"login":"alice"},"state":"APPROVED"}]'; echo '[{"user":{"login":"copilot-pull-request-reviewer[bot]"},"state":"COMMENTED"}]' ;;
*/statuses/*) printf '%s\n' "$@" >>"$HOME/statuses"; echo '{}' ;;
*) echo "gh: Not Found (HTTP 404)" >&2; exit 1 ;;
esac"#;

#[test]
fn without_an_address_gh_is_asked() {
    let server = Github::new(vec![], vec![]).serve();
    let crew = step(&server).with("GITHUB_API_URL", "");
    crew.stub("gh", GH);
    let ended = gate(&crew, []).code(0);
    assert!(ended.stdout.contains("failure: 1 open review thread"), "{ended:?}");
    let said = std::fs::read_to_string(crew.home().join("statuses")).unwrap();
    for part in [&format!("repos/acme/shop/statuses/{HEAD}"), "state=failure", "context=Copilot Review Gate"] {
        assert!(said.lines().any(|line| line == part), "{part}: {said}");
    }
    crew.stub("gh", "echo 'gh: Bad credentials (HTTP 401)' >&2; exit 1");
    gate(&crew, []).refused(1, &["Bad credentials"]);
    assert_eq!(server.requests().len(), 0);
}
