//! GitHub, whichever way it is asked.

use std::fmt;
use std::str::FromStr;

use crewkit_tool::Context;
use serde_json::{Map, Value};

use crate::fault::{Fault, graphql_errors};
use crate::gh::Gh;
use crate::https::{self, Https};

/// `OWNER/REPOSITORY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The owner.
    pub owner: String,
    /// The repository.
    pub repository: String,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |part: &str| {
            !part.is_empty()
                && !matches!(part, "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        match text.split_once('/') {
            Some((owner, repository)) if plain(owner) && plain(repository) => {
                Ok(Self { owner: owner.to_owned(), repository: repository.to_owned() })
            }
            _ => Err("not OWNER/REPOSITORY".to_owned()),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.repository)
    }
}

/// GitHub.
#[derive(Debug)]
pub struct Github<'a> {
    way: Way<'a>,
}

#[derive(Debug)]
enum Way<'a> {
    Https(Box<Https>),
    Gh(Gh<'a>),
}

impl<'a> Github<'a> {
    /// GitHub, as the environment tells: see the crate. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Fault::Setup`] when it is to be asked over HTTPS and there is no token or no usable address.
    pub fn new(context: &'a Context) -> Result<Self, Fault> {
        let address = context.variable("GITHUB_API_URL");
        let told = address.is_some() && https::token(context).is_some();
        let way = if !told && Gh::is_there(context) {
            Way::Gh(Gh::new(context))
        } else {
            Way::Https(Box::new(Https::new(context, address)?))
        };
        Ok(Self { way })
    }

    /// What stands at `path` (`repos/OWNER/REPOSITORY/pulls/7`).
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn get(&self, path: &str) -> Result<Value, Fault> {
        match &self.way {
            Way::Https(https) => https.get(path),
            Way::Gh(gh) => gh.get(path),
        }
    }

    /// All entries of the list at `path`, of all its pages.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn list(&self, path: &str) -> Result<Vec<Value>, Fault> {
        match &self.way {
            Way::Https(https) => https.list(path),
            Way::Gh(gh) => gh.list(path),
        }
    }

    /// Sends `fields` to `path` by POST. It is sent once: an answer that got lost is a [`Fault::Silent`].
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value, Fault> {
        match &self.way {
            Way::Https(https) => https.post(path, fields),
            Way::Gh(gh) => gh.post(path, fields),
        }
    }

    /// The whole answer (`data` within) to a question of GraphQL that changes nothing.
    ///
    /// # Errors
    /// See [`Fault`]; an answer with `errors` is one.
    pub fn query(&self, query: &str, variables: &Map<String, Value>) -> Result<Value, Fault> {
        let answer = match &self.way {
            Way::Https(https) => https.query(query, variables),
            Way::Gh(gh) => gh.query(query, variables),
        }?;
        graphql_errors(&answer)?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_an_owner_and_nothing_that_is_no_name() {
        assert_eq!("acme/next.shop".parse::<Name>().unwrap().to_string(), "acme/next.shop");
        for text in ["", "acme", "acme/", "/shop", "a/b/c", "acme/..", "acme/shop?x", "a b/c", "acme/$(id)", "ä/b"] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }
}
