//! The way into the main branch of origin: push, pull request, checks, review, squash.

use std::time::Duration;

use crewkit_store::waves::WaveStep;
use crewkit_tool::Refusal;
use crewkit_tool::process::Ended;

use super::checks::{self, Patience};
use super::github::{Fault, Request, View};
use super::merge::Landing;
use super::push::{FETCH, fetch_main, push};
use super::review;

/// How often GitHub is asked for something it is still finding out, and the pause between.
const SETTLING: (u32, Duration) = (6, Duration::from_secs(1));

impl Landing<'_> {
    /// The branch pushed, and squashed into origin's main branch by a pull request.
    ///
    /// # Errors
    /// At the first step that fails.
    pub(super) fn through_origin(&self, head: &str) -> Result<(), Refusal> {
        fetch_main(&self.site, FETCH)?;
        let name = &self.site.main.name;
        let main = self.site.fetched_main()?.ok_or_else(|| Refusal::new(format!("origin has no {name}")))?;
        let (relation, contained) = self.site.relation(&main, head)?;
        let was_pushed = self.site.wave().step.is_some_and(|step| step >= WaveStep::Pushing);
        if contained && (relation.ahead > 0 || was_pushed) {
            self.say(format!("{name} on origin has all of {} already", self.branch));
            return self.landed(head);
        }
        let known = self.known_request()?;
        let mut request = None;
        if let Some((known, view)) = known {
            if view.is_merged() && self.covers(&view, head) {
                self.say(format!("pull request #{} is merged already", known.number));
                return self.landed(head);
            }
            if !view.is_merged() && !view.is_open() && !self.arguments.new_request {
                let (number, wave) = (known.number, self.site.wave().id);
                return Err(Refusal::new(format!(
                    "pull request #{number} was closed without a merge: reopen it ('gh pr reopen {number}') or give \
                     --new-request; wave {wave} stays as it is"
                )));
            }
            request = Some(known).filter(|_| view.is_open());
        }
        if contained {
            if request.is_none() {
                request = self.github.open_request(&self.branch).map_err(|fault| self.no_github(fault))?;
            }
            if request.is_none() {
                self.say(format!("nothing to merge: {} has no change of its own", self.branch));
                return self.landed(head);
            }
        } else {
            self.begin(WaveStep::Pushing, Some(head))?;
            push(&self.site, &self.branch)?;
            self.say(format!("3 pushed {} to origin", self.branch));
        }
        let request = self.request(request)?;
        self.merge(&request, head)
    }

    /// The pull request written down, and what GitHub tells of it. Without gh there is none to be known.
    fn known_request(&self) -> Result<Option<(Request, View)>, Refusal> {
        let wave = self.site.wave();
        let known = wave.pr_number.zip(wave.pr_url.as_deref()).and_then(|(number, url)| Request::new(number, url));
        let Some(known) = known else { return Ok(None) };
        match self.github.view(known.number) {
            Ok(view) => Ok(Some((known, view))),
            Err(Fault::Missing) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Whether the merged request brought in `head`: by what GitHub tells, else by what was asked for.
    fn covers(&self, view: &View, head: &str) -> bool {
        let wave = self.site.wave();
        let asked = wave.head.as_deref().filter(|_| wave.step == Some(WaveStep::Merging));
        view.head().or(asked) == Some(head)
    }

    /// What to do when gh cannot be asked; without gh the wave is merging, for its branch is on its way.
    fn no_github(&self, fault: Fault) -> Refusal {
        if fault != Fault::Missing {
            return fault.into();
        }
        if let Err(refusal) = self.set_merging() {
            return refusal;
        }
        let (plan, wave) = (self.site.rows.plan.id, self.site.wave().id);
        let (branch, main) = (&self.branch, &self.site.main.name);
        Refusal::new(format!(
            "gh is not installed: install it, or bring {branch} into {main} on origin by a pull request of your own; \
             then 'wave-worktree merge {plan} {wave}' goes on"
        ))
    }

    /// Step 4: the pull request, `known` or open or new, written down.
    fn request(&self, known: Option<Request>) -> Result<Request, Refusal> {
        self.begin(WaveStep::Requesting, None)?;
        let found = match known {
            Some(request) => Some(request),
            None => self.github.open_request(&self.branch).map_err(|fault| self.no_github(fault))?,
        };
        let (request, how) = if let Some(request) = found {
            (request, "is open already")
        } else {
            let (title, body) = (self.site.rows.request_title(), self.site.rows.request_body());
            let opened = self.github.open(&self.site.main.name, &self.branch, &title, &body);
            (opened.map_err(|fault| self.no_github(fault))?, "opened")
        };
        let wave = self.site.wave().id;
        self.site.waves()?.set_request(wave, request.number, &request.url, &self.context.now())?;
        self.say(format!("4 pull request #{} {how}: {}", request.number, request.url));
        Ok(request)
    }

    /// Steps 5 to 8: checks, review, merge.
    fn merge(&self, request: &Request, head: &str) -> Result<(), Refusal> {
        self.begin(WaveStep::Checking, Some(head))?;
        self.set_merging()?;
        let number = request.number;
        // Checks of an older commit say nothing: GitHub has to have seen the push.
        let view = self.settled(number, |view| review::is_unsettled(view, head))?;
        if view.is_open() {
            let none_is_fine = self.arguments.no_ci_ok || !checks::has_workflows(&self.path);
            let patience = Patience { most: self.most, none_is_fine };
            checks::wait(self.context, &self.github, number, patience)?;
            let view = self.settled(number, |view| review::is_unsettled(view, head) || review::is_blocked(view))?;
            if view.is_open() {
                let threads = self.github.open_threads(request)?;
                let blockers = review::blockers(&view, &self.site.main.name, head, threads);
                if !blockers.is_empty() {
                    for blocker in &blockers {
                        self.say(format!("BLOCKER: {blocker}"));
                    }
                    let all = blockers.join("; ");
                    return Err(Refusal::new(format!("pull request #{number} is not ready to merge: {all}")));
                }
                self.say("6 nothing in the way");
                return self.squash(request, head);
            }
        }
        // Somebody was faster.
        let view = self.github.view(number)?;
        if view.is_merged() && self.covers(&view, head) {
            self.say(format!("pull request #{number} is merged already"));
            return self.landed(head);
        }
        Err(Refusal::new(format!("pull request #{number} is {}, without this commit", view.state.to_lowercase())))
    }

    /// What GitHub tells of a request, once that is no longer `unsettled`; or after a while what it tells then.
    fn settled(&self, number: i64, unsettled: impl Fn(&View) -> bool) -> Result<View, Refusal> {
        let (tries, pause) = SETTLING;
        let mut view = self.github.view(number)?;
        for _ in 1..tries {
            if !unsettled(&view) {
                break;
            }
            std::thread::sleep(pause);
            view = self.github.view(number)?;
        }
        Ok(view)
    }

    /// Steps 7 and 8: the merge, and a look whether it happened.
    fn squash(&self, request: &Request, head: &str) -> Result<(), Refusal> {
        self.begin(WaveStep::Merging, Some(head))?;
        let ended = self.github.merge(request, head);
        let (tries, pause) = SETTLING;
        for attempt in 1..=tries {
            let view = self.github.view(request.number)?;
            if view.is_merged() {
                self.say(format!("7 pull request #{} is merged", request.number));
                return self.landed(head);
            }
            // One that GitHub refused stays open; one that it took may take a moment.
            if !ended.as_ref().is_ok_and(Ended::ok) {
                break;
            }
            if attempt < tries {
                std::thread::sleep(pause);
            }
        }
        let why = match ended {
            Ok(ended) if !ended.ok() => ended.complaint(),
            Ok(_) => "GitHub took it, but has not merged it yet".to_owned(),
            Err(fault) => Refusal::from(fault).message,
        };
        Err(Refusal::new(format!("pull request #{} is not merged: {why}", request.number)))
    }
}
