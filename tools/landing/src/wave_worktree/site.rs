//! A wave, its plan, and the repository they are worked on in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crewkit_repo::{Git, MainBranch, Relation, Repository, Worktree, is_branch_name, real_path, worktree_at};
use crewkit_store::plans::PlanBrief;
use crewkit_store::queue::{self, Turn};
use crewkit_store::waves::{Wave, Waves};
use crewkit_store::{Error, Store};
use crewkit_tool::{Context, Refusal, text};

use super::Which;

/// A wave of a plan, as the database has them.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) plan: PlanBrief,
    pub(super) wave: Wave,
}

/// Keeps other calls off this wave until it is dropped or the process ends. Children don't inherit it.
pub(super) fn hold(context: &Context, wave: i64) -> Result<Turn, Refusal> {
    let database = context.database_path()?;
    let lock = database.with_file_name(format!("wave-{wave}.lock"));
    queue::wait(&lock, Instant::now()).map_err(|error| match error {
        Error::Busy { .. } => Refusal::new(format!("wave {wave} is held by another call of wave-worktree")),
        other => other.into(),
    })
}

impl Rows {
    /// Both rows.
    ///
    /// # Errors
    /// When there is no such wave or plan, or the wave is another plan's.
    pub(super) fn read(context: &Context, which: Which) -> Result<Self, Refusal> {
        let (plan, wave) = (which.plan.0, which.wave.0);
        let store = context.existing_store()?;
        let missing = || Refusal::new(format!("wave {wave} not found"));
        let store = store.ok_or_else(missing)?;
        let wave = store.waves().get(wave)?.ok_or_else(missing)?;
        let plan = store.plans().brief(plan)?;
        if wave.plan != Some(plan.id) {
            let of = wave.plan.map_or_else(|| "no plan".to_owned(), |other| format!("plan {other}"));
            return Err(Refusal::new(format!("wave {} belongs to {of}, not to plan {}", wave.id, plan.id)));
        }
        Ok(Self { plan, wave })
    }

    /// The wave's worktree as recorded, absolute, links resolved.
    pub(super) fn recorded_path(&self, context: &Context) -> Result<Option<PathBuf>, Refusal> {
        self.wave.worktree.as_deref().map(|stored| place(context, stored)).transpose()
    }

    /// Code and name of the wave, as titles have them.
    fn title(&self) -> String {
        let (code, name) = (text::fold_line_ends(&self.wave.code), text::fold_line_ends(&self.wave.name));
        if name.trim().is_empty() { code } else { format!("{code} — {name}") }
    }

    /// The message of the commit that takes up what is not committed.
    pub(super) fn commit_message(&self) -> String {
        format!("feat(plan-{}): {}", self.plan.id, self.title())
    }

    /// The title of the pull request.
    pub(super) fn request_title(&self) -> String {
        /// GitHub takes 256 characters.
        const MOST: usize = 250;
        text::cut(&format!("Plan {}: {}", self.plan.id, self.title()), MOST)
    }

    /// The text of the pull request.
    pub(super) fn request_body(&self) -> String {
        let Self { plan, wave } = self;
        let name = text::fold_line_ends(&plan.name);
        let tasks = format!("{} of {} tasks are done.", wave.tasks_done, wave.tasks_total);
        format!("Plan {}: {name}\nWave {}\n\n{tasks}\n", plan.id, self.title())
    }
}

/// Where a path of the database lies on this computer: absolute, `~` expanded, links resolved.
fn place(context: &Context, stored: &Path) -> Result<PathBuf, Refusal> {
    Ok(real_path(&context.absolute(&context.expand_home(stored))?))
}

/// The rows and the repository.
pub(super) struct Site<'a> {
    pub(super) context: &'a Context,
    pub(super) rows: Rows,
    pub(super) repository: Repository,
    pub(super) main: MainBranch,
    /// The folder that the names of worktrees begin with.
    project: PathBuf,
}

impl<'a> Site<'a> {
    /// The repository of the plan's project; without one the repository that we are in.
    ///
    /// # Errors
    /// When that is no repository, or has no main branch.
    pub(super) fn find(context: &'a Context, rows: Rows) -> Result<Self, Refusal> {
        let given = rows.plan.project_path.as_deref().map(|path| place(context, Path::new(path))).transpose()?;
        let directory = match &given {
            Some(project) if project.is_dir() => project.clone(),
            Some(project) => {
                return Err(Refusal::new(format!(
                    "the folder of project {} is missing: {}",
                    rows.plan.project,
                    project.display()
                )));
            }
            None => context.directory()?.to_owned(),
        };
        let repository = Repository::discover(&directory)
            .ok_or_else(|| Refusal::new(format!("not in a git repository: {}", directory.display())))?;
        let main = repository.find_main(context)?.ok_or_else(|| {
            Refusal::new("no main branch: neither main nor master nor origin/HEAD (MAIN_BRANCH names it)")
        })?;
        // A worktree beside a folder inside the repository would lie in the repository.
        let project = match given {
            Some(project) if repository.top.as_ref() == Some(&project) => project,
            _ => repository.base(),
        };
        Ok(Self { context, rows, repository, main, project })
    }

    /// The rows and their repository; with nobody else at this wave when the caller holds it.
    pub(super) fn of(context: &'a Context, which: Which) -> Result<Self, Refusal> {
        Self::find(context, Rows::read(context, which)?)
    }

    /// The database.
    pub(super) fn store(&self) -> Result<&'a Store, Refusal> {
        self.context.store()
    }

    /// Where the wave's steps are written down.
    pub(super) fn waves(&self) -> Result<Waves<'a>, Refusal> {
        Ok(self.store()?.waves())
    }

    /// The wave.
    pub(super) fn wave(&self) -> &Wave {
        &self.rows.wave
    }

    /// A call of git that works on the repository as a whole.
    pub(super) fn git(&self) -> Git {
        self.repository.git(self.context)
    }

    /// The wave's branch: as recorded, else as the plan and the wave's code name it.
    ///
    /// # Errors
    /// When that cannot be a branch's name.
    pub(super) fn branch(&self) -> Result<String, Refusal> {
        let computed = || format!("plan/{}-{}", self.rows.plan.id, self.wave().code);
        let name = self.wave().branch.clone().unwrap_or_else(computed);
        if is_branch_name(&name) {
            return Ok(name);
        }
        Err(Refusal::new(match &self.wave().branch {
            Some(_) => format!("wave {} has '{name}' for a branch, which cannot be one", self.wave().id),
            None => format!("wave code '{}' cannot be part of a branch's name", self.wave().code),
        }))
    }

    /// The folder that a new worktree of the wave gets.
    pub(super) fn folder(&self) -> PathBuf {
        let mut folder = OsString::from(&self.project);
        folder.push(format!("-plan-{}-{}", self.rows.plan.id, self.wave().code.replace('/', "-")));
        folder.into()
    }

    /// The worktree at `path`, if the repository has one there.
    pub(super) fn tree(&self, path: &Path) -> Result<Option<Worktree>, Refusal> {
        Ok(worktree_at(&self.repository.known_worktrees(self.context)?, path).cloned())
    }

    /// The full id of the commit that a reference leads to; `None` when there is none.
    pub(super) fn tip(&self, reference: &str) -> Result<Option<String>, Refusal> {
        let name = format!("{reference}^{{commit}}");
        let ended = self.git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &name]).run()?;
        Ok(ended.ok().then(|| ended.text()))
    }

    /// Whether `tip` is `commit` or comes after it.
    pub(super) fn is_ancestor(&self, commit: &str, tip: &str) -> Result<bool, Refusal> {
        Ok(self.git().args(["merge-base", "--is-ancestor", commit, tip]).run()?.ok())
    }

    /// The full name of origin's main branch here.
    pub(super) fn remote_main(&self) -> String {
        format!("refs/remotes/origin/{}", self.main.name)
    }

    /// Origin's main branch as last fetched, if there is one.
    pub(super) fn fetched_main(&self) -> Result<Option<MainBranch>, Refusal> {
        let reference = self.remote_main();
        let commit = self.tip(&reference)?;
        Ok(commit.map(|commit| MainBranch { name: self.main.name.clone(), reference, commit }))
    }

    /// How `commit` stands to `main`, and whether that has all of its content.
    pub(super) fn relation(&self, main: &MainBranch, commit: &str) -> Result<(Relation, bool), Refusal> {
        let relation = Relation::of(self.context, &self.repository, main, commit)?;
        let contained = relation.is_contained(self.context, &self.repository, main, commit)?;
        Ok((relation, contained))
    }

    /// Whether nothing is lost with `commit`: the main branch has its content, here or (as last fetched) on origin.
    pub(super) fn is_merged(&self, commit: &str) -> Result<bool, Refusal> {
        if self.relation(&self.main, commit)?.1 {
            return Ok(true);
        }
        match self.fetched_main()? {
            Some(main) if main.commit != self.main.commit => Ok(self.relation(&main, commit)?.1),
            _ => Ok(false),
        }
    }
}
