//! A project: the main checkout of a repository, or a folder without one, under an id that plans name.

mod address;
mod icon;
mod identity;
mod registry;

pub(crate) use address::{github_url, without_secret};
pub(crate) use icon::icon;
pub(crate) use identity::{Identity, Known, Place, check_id, name_in};
pub(crate) use registry::Registry;
