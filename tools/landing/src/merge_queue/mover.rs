//! Moving the main branch, and the work trees that show it along with it.

use std::path::{Path, PathBuf};

use crewkit_tool::Refusal;

use super::branch_ref::{self, Swap};
use super::checkout::{self, Held, Move};
use super::ground::Ground;
use super::report::text_of;

/// Moves the main branch for the queue kept in `database`.
#[derive(Debug)]
pub(super) struct Mover<'a> {
    pub(super) ground: &'a Ground<'a>,
    pub(super) database: PathBuf,
}

/// What moving the main branch came to.
pub(super) enum Moved {
    Done {
        left_behind: Vec<String>,
    },
    /// The main branch is somewhere else by now.
    Raced,
    Busy(String),
}

impl Mover<'_> {
    pub(super) fn order(&self, old: &str, new: &str) -> Move {
        Move { old: old.to_owned(), new: new.to_owned(), database: self.database.clone() }
    }

    /// Whether the main branch could be moved as things are: a validation for nothing is a long one.
    pub(super) fn can(&self, order: &Move) -> Result<(), String> {
        let held = self.hold_all(order)?;
        let hindrance = self.hindrance(&held);
        held.into_iter().for_each(Held::release);
        hindrance.map_or(Ok(()), Err)
    }

    /// Moves the main branch and brings the work trees forward that have it checked out.
    pub(super) fn advance(&self, order: &Move) -> Result<Moved, Refusal> {
        let held = match self.hold_all(order) {
            Ok(held) => held,
            Err(busy) => return Ok(Moved::Busy(busy)),
        };
        // Looked at again now that nobody can change it.
        let swapped = if let Some(why) = self.hindrance(&held) {
            Ok(Moved::Busy(why))
        } else {
            let heads: Vec<&Path> = held.iter().map(Held::git_dir).collect();
            branch_ref::swap(self.ground, &order.old, &order.new, &heads).map(|swap| match swap {
                Swap::Done => Moved::Done { left_behind: Vec::new() },
                Swap::Raced => Moved::Raced,
                Swap::Busy(why) => Moved::Busy(why),
            })
        };
        let mut left = Vec::new();
        for one in held {
            if let Ok(Moved::Done { .. }) = swapped
                && let Err(refusal) = one.bring_forward()
            {
                let place = one.path().display();
                self.ground.context.note(format!("{place} stays behind '{}': {refusal}", self.ground.target));
                left.push(text_of(one.path()));
            }
            one.release();
        }
        Ok(match swapped? {
            Moved::Done { .. } => Moved::Done { left_behind: left },
            other => other,
        })
    }

    /// Holds every work tree that has the main branch checked out; none, when one cannot be held.
    fn hold_all(&self, order: &Move) -> Result<Vec<Held<'_>>, String> {
        let mut held: Vec<Held<'_>> = Vec::new();
        for checkout in checkout::of_target(self.ground.repository, &self.ground.target)? {
            match checkout.hold(self.ground.context, order) {
                Ok(one) => held.push(one),
                Err(why) => {
                    held.into_iter().for_each(Held::release);
                    return Err(why);
                }
            }
        }
        Ok(held)
    }

    /// What keeps the held work trees from being brought forward.
    fn hindrance(&self, held: &[Held<'_>]) -> Option<String> {
        if let Err(busy) = checkout::of_target(self.ground.repository, &self.ground.target) {
            return Some(busy);
        }
        held.iter().find_map(|one| {
            if one.is_at(&self.ground.target) {
                one.check().err()
            } else {
                Some(format!("{} is changing branches", one.path().display()))
            }
        })
    }
}
