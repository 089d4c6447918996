//! Places that the database names.

use std::path::{Path, PathBuf};

use crewkit_repo::real_path;
use crewkit_tool::{Context, Refusal};

/// Where a path of the database lies on this computer: absolute, `~` expanded, links resolved.
pub(crate) fn place(context: &Context, stored: &Path) -> Result<PathBuf, Refusal> {
    Ok(real_path(&context.absolute(&context.expand_home(stored))?))
}
