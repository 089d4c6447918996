//! The review threads of a pull request.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Fault, Github, Name};

const QUERY: &str = "query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $endCursor) {
      pageInfo { hasNextPage endCursor }
      nodes { isResolved comments(first: 1) { nodes { author { login } } } } } } } }";

/// Most pages of threads, 100 each.
const PAGES: usize = 200;

/// A review thread (<https://docs.github.com/graphql/reference/objects#pullrequestreviewthread>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Whether somebody marked it as resolved.
    pub is_resolved: bool,
    /// The login of who began it, without the ending `[bot]`; `None` for an account that is gone.
    pub login: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    page_info: PageInfo,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    is_resolved: bool,
    comments: Comments,
}

#[derive(Deserialize)]
struct Comments {
    nodes: Vec<Comment>,
}

#[derive(Deserialize)]
struct Comment {
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    login: String,
}

impl Github<'_> {
    /// All review threads of the pull request `number`, of all pages.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn threads(&self, name: &Name, number: u64) -> Result<Vec<Thread>, Fault> {
        let mut threads = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let variables: Map<String, Value> = [
                ("owner", json!(name.owner)),
                ("name", json!(name.repository)),
                ("number", json!(number)),
                ("endCursor", json!(cursor)),
            ]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
            let mut answer = self.query(QUERY, &variables)?;
            let page = answer.pointer_mut("/data/repository/pullRequest/reviewThreads").map(Value::take);
            let Page { page_info, nodes } = page
                .and_then(|page| Page::deserialize(page).ok())
                .ok_or_else(|| Fault::Odd(format!("GitHub: the review threads of {name}#{number} are not told")))?;
            for mut node in nodes {
                let first =
                    if node.comments.nodes.is_empty() { None } else { Some(node.comments.nodes.swap_remove(0)) };
                let login = first.and_then(|comment| comment.author).map(|author| author.login);
                threads.push(Thread { is_resolved: node.is_resolved, login });
            }
            if !page_info.has_next_page {
                return Ok(threads);
            }
            if page_info.end_cursor.is_none() || page_info.end_cursor == cursor {
                return Err(Fault::Odd(format!("GitHub: the review threads of {name}#{number} do not end")));
            }
            cursor = page_info.end_cursor;
        }
        Err(Fault::Odd(format!("GitHub: the review threads of {name}#{number} are more than {PAGES} pages")))
    }
}
