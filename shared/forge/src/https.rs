//! GitHub over HTTPS.

use std::fmt;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crewkit_tool::{Context, text};
use serde_json::{Map, Value, json};
use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::fault::Fault;
use crate::page;

/// Where GitHub is when nothing else is said.
const PUBLIC: &str = "https://api.github.com";

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(30);

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long all pages of a list may take.
const LIST: Duration = Duration::from_mins(3);

/// Pauses before a request that only asks is made again.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// Most bytes of an answer.
const MOST_BYTES: u64 = 64 << 20;

/// Most characters of a reason that GitHub gives.
const REASON_CHARACTERS: usize = 300;

pub(crate) struct Https {
    agent: Agent,
    address: String,
    graphql: String,
    authorization: String,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Https({})", self.address)
    }
}

impl Https {
    /// GitHub at `address`, as the variable `GITHUB_API_URL` gives it.
    pub(crate) fn new(context: &Context, address: Option<String>) -> Result<Self, Fault> {
        let address = address.unwrap_or_else(|| PUBLIC.to_owned()).trim_end_matches('/').to_owned();
        check_address("GITHUB_API_URL", &address)?;
        let graphql = match context.variable("GITHUB_GRAPHQL_URL") {
            Some(given) => given,
            // An Enterprise server has both interfaces side by side: /api/v3 and /api/graphql.
            None => format!("{}/graphql", address.strip_suffix("/v3").unwrap_or(&address)),
        };
        check_address("GITHUB_GRAPHQL_URL", &graphql)?;
        let token =
            token(context).ok_or_else(|| Fault::Setup("no token for GitHub: GH_TOKEN is not set".to_owned()))?;
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::Setup("GH_TOKEN holds no token".to_owned()));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(REQUEST))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .user_agent(concat!("crewkit/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots(context)?).build())
            .build();
        Ok(Self { agent: agent.into(), address, graphql, authorization: format!("Bearer {token}") })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Fault> {
        let mut answer = self.ask(&format!("{}/{path}", self.address))?;
        body(&mut answer)
    }

    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, Fault> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let mut address = format!("{}/{path}{sign}per_page=100", self.address);
        let mut entries = Vec::new();
        let deadline = Instant::now() + LIST;
        loop {
            let mut answer = self.ask(&address)?;
            let next = answer.headers().get("link").and_then(|link| page::next(link.to_str().ok()?)).map(str::to_owned);
            let Value::Array(rows) = body(&mut answer)? else {
                return Err(Fault::Odd(format!("GitHub: {path} is no list")));
            };
            entries.extend(rows);
            match next {
                None => return Ok(entries),
                // The token goes nowhere else.
                Some(next) if !next.starts_with(&format!("{}/", self.address)) => {
                    return Err(Fault::Odd(format!("GitHub: the next page of {path} is said to be elsewhere")));
                }
                Some(next) if next == address || Instant::now() > deadline => {
                    return Err(Fault::Odd(format!("GitHub: {path} does not end")));
                }
                Some(next) => address = next,
            }
        }
    }

    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value, Fault> {
        let fields: Map<String, Value> = fields.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let mut answer = whole(self.send(&format!("{}/{path}", self.address), &Value::Object(fields)))?;
        body(&mut answer)
    }

    pub(crate) fn query(&self, query: &str, variables: &Map<String, Value>) -> Result<Value, Fault> {
        let question = json!({"query": query, "variables": variables});
        let mut answer = again(|| self.send(&self.graphql, &question))?;
        body(&mut answer)
    }

    fn ask(&self, address: &str) -> Result<Response<Body>, Fault> {
        again(|| {
            self.agent
                .get(address)
                .header("authorization", &self.authorization)
                .header("accept", "application/vnd.github+json")
                .header("x-github-api-version", "2022-11-28")
                .call()
        })
    }

    fn send(&self, address: &str, value: &Value) -> Result<Response<Body>, ureq::Error> {
        self.agent
            .post(address)
            .header("authorization", &self.authorization)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header("content-type", "application/json")
            .send(value.to_string())
    }
}

/// The token that the environment gives.
pub(crate) fn token(context: &Context) -> Option<String> {
    ["GH_TOKEN", "GITHUB_TOKEN"].into_iter().find_map(|name| context.variable(name))
}

/// The certificates that are trusted: those of `SSL_CERT_FILE` where that is set, for networks that have their own; else
/// Mozilla's.
fn roots(context: &Context) -> Result<RootCerts, Fault> {
    let Some(path) = context.variable_path("SSL_CERT_FILE") else { return Ok(RootCerts::WebPki) };
    let bytes = fs::read(&path).map_err(|fault| Fault::Setup(format!("SSL_CERT_FILE: {}: {fault}", path.display())))?;
    let certificates: Vec<_> = parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    Ok(RootCerts::new_with_certs(&certificates))
}

/// An address is https; http only on this computer, for the token goes with every request.
fn check_address(variable: &str, address: &str) -> Result<(), Fault> {
    let here = address.strip_prefix("http://").is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        let name = host.strip_prefix('[').map_or_else(|| host.split(':').next(), |rest| rest.split(']').next());
        matches!(name, Some("localhost" | "127.0.0.1" | "::1"))
    });
    if here || address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) {
        return Ok(());
    }
    Err(Fault::Setup(format!("{variable}: '{address}' is no https address")))
}

/// Makes a request that only asks, again when there was no answer or a server stumbled.
fn again(request: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Fault> {
    for pause in PAUSES {
        match request() {
            Ok(answer) if !matches!(answer.status().as_u16(), 500 | 502..=504) => return whole(Ok(answer)),
            // An address that cannot be asked now cannot be asked later.
            Err(fault @ (ureq::Error::BadUri(_) | ureq::Error::Tls(_) | ureq::Error::Rustls(_))) => {
                return whole(Err(fault));
            }
            _ => thread::sleep(pause),
        }
    }
    whole(request())
}

/// The answer when it is no error.
fn whole(answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Fault> {
    let mut answer = answer.map_err(|fault| Fault::Silent(format!("GitHub does not answer: {fault}")))?;
    let status = answer.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (left, later) = (header("x-ratelimit-remaining"), header("retry-after"));
    let limited = matches!(status, 403 | 429) && (left.as_deref() == Some("0") || later.is_some());
    let said = body(&mut answer).ok();
    let said = said.as_ref().and_then(|said| said.get("message")?.as_str()).unwrap_or("no reason given");
    let mut reason = format!("GitHub: {}", text::cut(said, REASON_CHARACTERS));
    if limited {
        reason.push_str(&later.map_or_else(
            || "; no requests are left for now".to_owned(),
            |seconds| format!("; to be asked again in {} s", text::cut(&seconds, 20)),
        ));
    }
    Err(Fault::Status { status, reason })
}

fn body(answer: &mut Response<Body>) -> Result<Value, Fault> {
    let bytes = answer
        .body_mut()
        .with_config()
        .limit(MOST_BYTES)
        .read_to_vec()
        .map_err(|fault| Fault::Silent(format!("GitHub's answer broke off: {fault}")))?;
    serde_json::from_slice(&bytes).map_err(|fault| Fault::Odd(format!("GitHub's answer is no JSON: {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_travels_encrypted_or_not_at_all() {
        for address in ["https://api.github.com", "http://127.0.0.1:9", "http://localhost/x", "http://[::1]:80"] {
            check_address("A", address).unwrap();
        }
        for address in
            ["http://api.github.com", "http://127.0.0.1.evil.example", "ftp://h", "https://", "", "github.com"]
        {
            assert!(check_address("A", address).is_err(), "{address}");
        }
    }
}
