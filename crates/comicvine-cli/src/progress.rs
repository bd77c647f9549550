//! Progress bars on standard error, where a person looks; nothing is drawn into files and pipes.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `total` steps; `what` names them. Draws only if standard error is a terminal.
pub(crate) fn bar(total: u64, what: &str) -> ProgressBar {
    styled(
        ProgressBar::new(total),
        "{prefix:>12} {wide_bar} {pos}/{len} {msg} {eta_precise}",
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
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

pub(crate) fn styled(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    // The default style is as good where a template does not parse.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_prefix(what.to_owned())
}
