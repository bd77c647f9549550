//! Progress and waits on standard error: a bar with a line for the wait on a terminal, a plain line for
//! each long wait elsewhere.

use std::fmt::Write;
use std::ops::Deref;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use comicvine_client::{Wait, WaitEvent};
use console::Term;
use indicatif::{ProgressBar, ProgressFinish, ProgressState, ProgressStyle};
use store_core::{Clock, SystemClock, Timestamp};

use crate::eta::about;
use crate::output::print_notice;
use crate::waits::{describe, is_long};

const TICK: Duration = Duration::from_millis(120);
/// A shorter wait is not shown on a terminal: the spacing of requests would flicker.
const SHOWN: Duration = Duration::from_secs(2);
/// The columns of a terminal that has room for a bar.
const WIDE: u16 = 90;
/// A shorter wait is not told in files and pipes.
const TOLD: Duration = Duration::from_secs(5);

/// The progress of a session, which leaves the terminal with it: whatever still holds a clone shows nothing more.
#[derive(Default)]
pub(crate) struct SessionProgress(Progress);

impl Deref for SessionProgress {
    type Target = Progress;

    fn deref(&self) -> &Progress {
        &self.0
    }
}

impl Drop for SessionProgress {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The progress of a command that sends requests, and what they wait for.
#[derive(Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    bar: Option<ProgressBar>,
    /// When the last row is expected, in milliseconds since the Unix epoch; zero if that is unknown. Not
    /// behind the lock, which is held while the bar is drawn.
    ends_at: Arc<AtomicI64>,
    /// The wait that is shown on the terminal.
    shown: Option<String>,
    /// Whether a wait was shown since the last page.
    has_waited: bool,
    /// The wait that goes on.
    waiting: Option<Wait>,
    /// The end of a wait that was told, without a terminal.
    told_until: Option<Timestamp>,
}

impl Progress {
    /// Begins with a spinner.
    pub(crate) fn begin(&self, what: &str) {
        self.state().bar = Some(spinner(what));
    }

    /// Whether anybody sees the bar.
    pub(crate) fn is_visible(&self) -> bool {
        self.state().is_visible()
    }

    /// Hides the bar while `print` writes to the same terminal.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        let bar = self.state().bar.clone();
        match bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Adds `received` rows, of `expected` in all; returns how many are left. The first call turns the
    /// spinner into a bar.
    pub(crate) fn advance(&self, received: u64, expected: u64) -> u64 {
        let state = self.state();
        let Some(bar) = &state.bar else {
            return 0;
        };
        if bar.length().is_none() {
            let (_, columns) = Term::stderr().size();
            // A line that is broken would not be cleared.
            let template = if columns < WIDE {
                "{spinner} {prefix} {pos}/{len} rows, {elapsed}{left}{msg}"
            } else {
                "{spinner} {prefix} {bar:30} {pos}/{len} rows, {elapsed}{left}{msg}"
            };
            bar.set_style(style(template).with_key("left", left(&state.ends_at)));
        }
        bar.set_length(expected);
        bar.inc(received);
        expected.saturating_sub(bar.position())
    }

    /// Shows how long the rest takes.
    pub(crate) fn set_left(&self, left: Duration) {
        let ends_at = SystemClock::new().now() + left;
        let shown = &self.state().ends_at;
        shown.store(ends_at.as_millis(), Ordering::Relaxed);
    }

    /// Whether a wait was shown since the last call.
    pub(crate) fn has_waited(&self) -> bool {
        std::mem::take(&mut self.state().has_waited)
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Shows what a request waits for, and that it waits no longer.
    pub(crate) fn on_wait(&self, event: WaitEvent) {
        let now = SystemClock::new().now();
        let mut state = self.state();
        if let WaitEvent::Waiting(wait) = event {
            state.waiting = Some(wait.clone());
            if state.is_visible() {
                state.show(&wait, now);
            } else if wait.until.is_some() {
                state.tell(&wait, now);
            } else {
                drop(state);
                self.tell_later(wait);
            }
        } else {
            state.waiting = None;
            state.told_until = None;
            if state.shown.take().is_some() {
                state.redraw();
            }
        }
    }

    /// Tells of a wait whose end nobody knows, once it has become long.
    fn tell_later(&self, wait: Wait) {
        let progress = self.clone();
        tokio::spawn(async move {
            let clock = SystemClock::new();
            clock.sleep(TOLD).await;
            let state = progress.state();
            if state.waiting.as_ref() == Some(&wait) {
                print_notice(&describe(&wait, clock.now()));
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_visible(&self) -> bool {
        self.bar.as_ref().is_some_and(|bar| !bar.is_hidden())
    }

    fn show(&mut self, wait: &Wait, now: Timestamp) {
        self.shown = is_long(wait, now, SHOWN).then(|| describe(wait, now));
        self.has_waited |= self.shown.is_some();
        self.redraw();
    }

    /// Tells of a long wait once, and again if it is longer than it was told to be.
    fn tell(&mut self, wait: &Wait, now: Timestamp) {
        let is_told = self.told_until.is_some_and(|until| now < until);
        if !is_told && is_long(wait, now, TOLD) {
            print_notice(&describe(wait, now));
            self.told_until = wait.until;
        }
    }

    fn redraw(&self) {
        if let Some(bar) = &self.bar {
            let wait = self.shown.as_ref().map(|wait| format!("\n  {wait}"));
            bar.set_message(wait.unwrap_or_default());
        }
    }
}

/// Writes the time until `ends_at`.
fn left(ends_at: &Arc<AtomicI64>) -> impl Fn(&ProgressState, &mut dyn Write) + Clone + use<> {
    let ends_at = Arc::clone(ends_at);
    move |_, out| {
        let ends_at = ends_at.load(Ordering::Relaxed);
        if ends_at > 0 {
            let left = Timestamp::from_millis(ends_at).since(SystemClock::new().now());
            // A terminal line that cannot be written has no reader.
            let _ = write!(out, ", {}", about(left));
        }
    }
}

/// A spinner for work of unknown length.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner()
        .with_style(style("{spinner} {prefix} {elapsed}{msg}"))
        .with_prefix(what.to_owned())
        // An interrupted command leaves no bar on the terminal.
        .with_finish(ProgressFinish::AndClear);
    spinner.enable_steady_tick(TICK);
    spinner
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; the default style stands in for one that does not parse.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▉▊▋▌▍▎▏ ")
}
