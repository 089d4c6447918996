//! The end of a merge: the wave is done, its branch and worktree go.

use crewkit_tool::Refusal;
use crewkit_tool::process::Run;

use super::cleanup::{self, Care};
use super::merge::Landing;
use super::push::{FETCH, delete_remote, fetch_main};
use super::site::Site;

impl Landing<'_> {
    /// The wave is in the main branch: it is done, and cleaned up after.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub(super) fn landed(&self, head: &str) -> Result<(), Refusal> {
        self.site.waves()?.set_landed(self.site.wave().id, head, &self.context.now())?;
        self.finish(head);
        Ok(())
    }

    /// Cleans up after a wave that has landed. What cannot be removed stays and is named: the wave is merged all the same.
    pub(super) fn finish(&self, head: &str) {
        if self.site.repository.origin_url().is_some() {
            if let Err(refusal) = fetch_main(&self.site, FETCH) {
                self.context.note(refusal.message);
            }
            match delete_remote(&self.site, &self.branch, head) {
                Ok(None) => {}
                Ok(Some(line)) => self.context.note(line),
                Err(refusal) => self.context.note(refusal.message),
            }
        }
        if let Err(refusal) = self.clean_up(head) {
            self.context.note(format!("the wave is merged, but its worktree stays: {}", refusal.message));
        }
        let wave = self.site.wave();
        self.say(format!("8 wave {} ({}) is merged into {}", wave.id, wave.code, self.site.main.name));
    }

    fn clean_up(&self, head: &str) -> Result<(), Refusal> {
        let (context, wave) = (self.context, self.site.wave().id);
        let base = self.site.repository.base();
        let call = Run::tool(context, "worktree-cleanup")?.directory(&base).args(["--wave", &wave.to_string()]);
        // What it leaves, because the main branch has grown away from the squash, we know to be merged.
        let ended = call.run().unwrap_or_default();
        let told = ended.text();
        told.lines().filter(|line| line.contains("ignored by git")).for_each(|line| context.note(line.trim()));
        let which = self.arguments.which;
        let site = Site::of(context, which)?;
        if let Some(path) = site.rows.recorded_path(context)? {
            if self.site.tip(&format!("refs/heads/{}", self.branch))?.is_some_and(|tip| tip != head) {
                return Err(Refusal::new(format!("{} has commits that came after the merge", self.branch)));
            }
            return cleanup::remove(&self.site, &path, Care::Keep, Some(head));
        }
        if let Some(kept) = cleanup::delete_branch(&self.site, Some(head))? {
            context.note(kept);
        }
        Ok(())
    }
}
