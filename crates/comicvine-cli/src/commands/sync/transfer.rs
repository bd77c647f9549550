//! Fetching resources, and what becomes of each: a line, a note in the state, or the end of the run.

use std::path::Path;
use std::time::Duration;

use comicvine_client::{
    ComicVine, Error as ApiError, Id, Outcome, Page, RawJson, ResourceKind, Response,
};
use store_core::Priority;

use super::output_file::{OutputFile, Version};
use super::state::{Again, Selected, State};
use crate::error::Error;
use crate::eta::time_left;
use crate::output::{self, on_one_line};
use crate::progress::Progress;
use crate::session::Session;

/// So many resources in a row that cannot be had mean that none can.
const MAX_FAILURES: u32 = 3;

/// The options of every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) priority: Priority,
    pub(super) max_wait: Duration,
}

/// How new a resource has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// As new as an answer in the cache.
    Any,
    /// As new as this date, if there is one.
    Since(Option<&'a str>),
    /// As new as can be.
    Latest,
}

impl Wanted<'_> {
    fn is_newer_than(self, version: &Version) -> bool {
        match self {
            Self::Any | Self::Latest => false,
            Self::Since(date) => version.date.as_deref() < date,
        }
    }
}

/// A run, which says how to go on if it is dropped before its end.
pub(super) struct Transfer<'a> {
    pub(super) comics: &'a ComicVine,
    pub(super) kind: ResourceKind,
    pub(super) options: Options,
    pub(super) output: OutputFile,
    pub(super) state: State,
    progress: &'a Progress,
    out: &'a Path,
    counts: Counts,
    failures_in_a_row: u32,
    is_finished: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    new: u64,
    changed: u64,
    missing: u64,
    failed: u64,
}

impl<'a> Transfer<'a> {
    /// Opens the output file and its state.
    pub(super) fn open(
        session: &'a Session,
        kind: ResourceKind,
        options: Options,
        selected: &Selected,
        out: &'a Path,
    ) -> Result<Self, Error> {
        let mut output = OutputFile::open(out)?;
        // Before anything is cut: a file without a state is not ours.
        let state = State::open(&output, out, kind, selected)?;
        output.recover()?;
        session.progress.begin(kind.list_path());
        Ok(Self {
            comics: &session.comics,
            kind,
            options,
            out,
            output,
            state,
            progress: &session.progress,
            counts: Counts::default(),
            failures_in_a_row: 0,
            is_finished: false,
        })
    }

    /// Says what was done.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.state.save(&self.output)?;
        self.is_finished = true;
        self.progress.finish();
        let Counts {
            new,
            changed,
            missing,
            failed,
        } = self.counts;
        output::print_notice(&format!(
            "{}: resources {}, new {new}, changed {changed}, missing {missing}",
            self.out.display(),
            self.output.resources()
        ));
        if failed > 0 {
            return Err(Error::CheckFailed(format!(
                "resources that could not be fetched: {failed}; the same command tries them again"
            )));
        }
        Ok(())
    }

    /// Fetches what earlier runs could not have. It comes last and ends no run: what cannot be had for good keeps nothing
    /// else from being fetched.
    pub(super) async fn try_again(&mut self, again: Again) -> Result<(), Error> {
        for (id, row) in again {
            self.failures_in_a_row = 0;
            let wanted = match &row {
                Some(date) => Wanted::Since(Some(date)),
                None => Wanted::Latest,
            };
            self.resource(id, wanted).await?;
        }
        Ok(())
    }

    /// Fetches one resource and appends it.
    pub(super) async fn resource(&mut self, id: Id, wanted: Wanted<'_>) -> Result<(), Error> {
        let failure = match self.fetch(id, wanted).await {
            Ok(response) => match self.usable_version(id, &response) {
                Ok(version) => {
                    self.failures_in_a_row = 0;
                    return self.append(version, &response, wanted);
                }
                Err(unusable) => unusable,
            },
            Err(ApiError::NotFound { subject }) => {
                self.failures_in_a_row = 0;
                self.counts.missing += 1;
                self.tell(&format!("comicvine: {subject} does not exist"));
                self.state.note_missing(id);
                return self.state.save(&self.output);
            }
            // Failures that may concern this resource alone.
            Err(
                error @ (ApiError::Decode { .. }
                | ApiError::Refused { .. }
                | ApiError::Timeout { .. }
                | ApiError::Interrupted { .. }
                | ApiError::Transport { .. }
                | ApiError::Unavailable { .. }
                | ApiError::WebPage { .. }),
            ) => error.into(),
            Err(error) => return Err(error.into()),
        };
        self.counts.failed += 1;
        self.failures_in_a_row += 1;
        self.state.note_again(id);
        self.state.save(&self.output)?;
        if self.failures_in_a_row == MAX_FAILURES {
            return Err(failure);
        }
        self.tell(&failure.message().unwrap_or_default());
        Ok(())
    }

    /// The resource; from the cache if that is new enough.
    async fn fetch(
        &self,
        id: Id,
        wanted: Wanted<'_>,
    ) -> comicvine_client::Result<Response<RawJson>> {
        let request = self
            .comics
            .get::<RawJson>(self.kind, id)
            .priority(self.options.priority)
            .max_wait(self.options.max_wait);
        let latest = request.clone().refresh();
        if matches!(wanted, Wanted::Latest) {
            return latest.await;
        }
        let response = match request.await {
            // It has a row, so that an older "not found" is no longer true.
            Err(ApiError::NotFound { .. }) if matches!(wanted, Wanted::Since(_)) => {
                return latest.await;
            }
            response => response?,
        };
        if response.outcome != Outcome::Fetched
            && Version::read(&response.raw).is_some_and(|version| wanted.is_newer_than(&version))
        {
            return latest.await;
        }
        Ok(response)
    }

    /// The version in a response, if it is a current one and can be found in the file again.
    fn usable_version(&self, id: Id, response: &Response<RawJson>) -> Result<Version, Error> {
        self.check_current(response)?;
        let version = Version::read(&response.raw).filter(|version| version.id == id);
        version.ok_or_else(|| {
            let id = id.qualified(self.kind);
            Error::CheckFailed(format!("{} {id} is sent without its id", self.kind))
        })
    }

    fn append(
        &mut self,
        version: Version,
        response: &Response<RawJson>,
        wanted: Wanted<'_>,
    ) -> Result<(), Error> {
        let id = version.id;
        let is_known = self.output.contains(id);
        // The resource may lag behind its row for a while.
        let is_old = wanted.is_newer_than(&version);
        self.progress
            .suspend(|| output::print_damage(&response.damage));
        if self
            .output
            .append(version, &on_one_line(response.raw.get()))?
        {
            let count = if is_known {
                &mut self.counts.changed
            } else {
                &mut self.counts.new
            };
            *count += 1;
        }
        let is_news = self.state.note_done(id);
        if is_old {
            self.state.note_again(id);
        }
        if is_news || is_old {
            self.state.save(&self.output)?;
        }
        Ok(())
    }

    /// Shows that `done` resources more are there, of `expected` in all, and how long the others take.
    pub(super) async fn advance(&self, done: u64, expected: u64) {
        let left = self.progress.advance(done, expected);
        if !self.progress.is_visible() {
            return;
        }
        let path = self.kind.detail_path();
        let budget = self.comics.path_budget(path, self.options.priority).await;
        // An estimate that cannot be made costs no resource.
        if let Ok(budget) = budget
            && let Some(path) = budget.paths.first()
        {
            let (path, server) = (&path.status, &budget.origin);
            let left = time_left(left, path, server, self.options.priority, Duration::ZERO);
            self.progress.set_left(left);
        }
    }

    /// An error unless the response is a current one.
    pub(super) fn check_current<T>(&self, response: &Response<T>) -> Result<(), Error> {
        if response.outcome == Outcome::Stale {
            return Err(Error::CheckFailed(format!(
                "comic vine gives no current answer for {} now; try again later",
                self.kind.list_path()
            )));
        }
        Ok(())
    }

    /// The versions of the rows of a page; says what is wrong with the page.
    pub(super) fn versions(&self, page: &Response<Page<RawJson>>) -> Vec<Version> {
        let rows = &page.value.rows;
        let versions: Vec<_> = rows.iter().filter_map(Version::read).collect();
        // What the API does not show is sent as `[]`.
        let shown = rows.iter().filter(|row| row.get() != "[]").count();
        let without_id = shown.saturating_sub(versions.len()) + page.value.skipped.len();
        self.progress.suspend(|| output::print_damage(&page.damage));
        if without_id > 0 {
            let list = self.kind.list_path();
            self.tell(&format!(
                "comicvine: rows of {list} without an id, which are left out: {without_id}"
            ));
        }
        versions
    }

    fn tell(&self, text: &str) {
        self.progress.suspend(|| output::print_notice(text));
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.progress.finish();
            output::print_notice(&format!(
                "{}: resources {} so far, new {}; to go on, give the same command again",
                self.out.display(),
                self.output.resources(),
                self.counts.new
            ));
        }
    }
}
