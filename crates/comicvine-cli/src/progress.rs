//! Progress bars on standard error, where a person looks; nothing is drawn into files and pipes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const TICK: Duration = Duration::from_millis(120);

/// Rows that have come, of a number that the first answer will tell.
pub(crate) fn rows_bar(what: &str) -> ProgressBar {
    let bar = styled(
        ProgressBar::new(0),
        "{spinner} {prefix} {wide_bar} {pos}/{len} {elapsed}, {eta} left",
        what,
    );
    bar.enable_steady_tick(TICK);
    bar
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
    // The default style is as good where a template does not parse.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ "))
        .with_prefix(what.to_owned())
}
