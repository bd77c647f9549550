//! Progress bars on standard error; nothing is drawn into files and pipes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// Progress of a list: a spinner until the first answer tells the number of rows, then a bar.
pub(crate) struct RowsBar(ProgressBar);

impl RowsBar {
    pub(crate) fn new(what: &str) -> Self {
        Self(spinner(what))
    }

    /// Hides the bar while `print` writes to the same terminal.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }

    /// Adds `received` rows, of `expected` in all.
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

/// A spinner for work of unknown length.
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
        // An interrupted command leaves no bar on the terminal.
        .with_finish(ProgressFinish::AndClear)
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; the default style stands in for one that does not parse.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▉▊▋▌▍▎▏ ")
}
