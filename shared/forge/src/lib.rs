//! GitHub: its REST interface (<https://docs.github.com/rest>) and its GraphQL interface
//! (<https://docs.github.com/graphql>), over HTTPS or through gh.
//!
//! Where `GITHUB_API_URL` says where GitHub is (every step of a workflow has it) and there is a token in `GH_TOKEN` or
//! `GITHUB_TOKEN`, it is asked over HTTPS. Else gh is asked, which knows who the user is; where there is no gh, GitHub
//! itself again.
//! Lists are read to their last page. A list that could not be read whole is a [`Fault`], never a shorter list.

mod fault;
mod gh;
mod github;
mod https;
mod page;
mod reviews;
mod threads;

pub use fault::Fault;
pub use github::{Github, Name};
pub use reviews::Review;
pub use threads::Thread;
