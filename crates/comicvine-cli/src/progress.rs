//! Progress bars on standard error, where a person looks; nothing is drawn into files and pipes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// Rows that have come. Their number is known after the first answer, and until then this is a sign
/// of life.
pub(crate) struct RowsBar(ProgressBar);

impl RowsBar {
    pub(crate) fn new(what: &str) -> Self {
        Self(spinner(what))
    }

    /// Takes the bar away while `print` writes, so that rows on the same terminal stay whole.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// So many more rows have come, of so many.
    pub(crate) fn advance(&self, received: u64, expected: u64) {
        if self.0.length().is_none() {
            let template = "{spinner} {prefix} {bar:36} {pos}/{len} rows, {elapsed}, {eta} left";
            self.0.set_style(style(template));
        }
        self.0.set_length(expected);
        self.0.inc(received);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Steps of a known number, with room for a message about them.
pub(crate) fn steps_bar(total: u64, what: &str) -> ProgressBar {
    styled(
        ProgressBar::new(total),
        "{prefix:>10} {wide_bar} {pos:>4}/{len} {percent:>3} %  {msg}",
        what,
    )
}

/// A sign of life for work of unknown length.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let spinner = styled(
        ProgressBar::new_spinner(),
        "{spinner} {prefix} {elapsed}",
        what,
    );
    spinner.enable_steady_tick(TICK);
    spinner
}

fn styled(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    bar.with_style(style(template))
        .with_prefix(what.to_owned())
        // Work that is broken off leaves no half bar on the terminal.
        .with_finish(ProgressFinish::AndClear)
}

fn style(template: &str) -> ProgressStyle {
    // The default style is as good where a template does not parse.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▉▊▋▌▍▎▏ ")
}
