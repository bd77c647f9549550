//! `--log`: what is logged to standard error.
//!
//! Errors do not repeat the filter, which may come from the environment and hold anything by mistake.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::error::Error;
use crate::names::{did_you_mean, nearest};
use crate::output::LogTime;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts logging what `filter` lets through.
pub(crate) fn start(filter: &str) -> Result<(), Error> {
    let filter = parse(filter).map_err(|why| {
        Error::usage(format!(
            "--log (or COMIC_VINE_LOG) is not a filter: {why}; write a level such as `debug`, or levels of crates \
             such as `store_core=trace,comicvine_client=debug`"
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_timer(LogTime)
        .init();
    Ok(())
}

fn parse(text: &str) -> Result<EnvFilter, String> {
    // A filter of spans may hold commas and much else.
    if !text.contains('[') {
        let directives = text.split(',').map(str::trim);
        let mut directives = directives.filter(|directive| !directive.is_empty());
        directives.try_for_each(check)?;
    }
    EnvFilter::try_new(text).map_err(|error| error.to_string())
}

/// Refuses what would be taken for the name of a module, and so for a filter that nothing passes.
fn check(directive: &str) -> Result<(), String> {
    let (target, level) = match directive.split_once('=') {
        Some((target, level)) => (target, Some(level)),
        None => (directive, None),
    };
    if level.is_none() && target.parse::<LevelFilter>().is_ok() {
        return Ok(());
    }
    if level.is_none()
        && let Some(level) = nearest(&target.to_lowercase(), LEVELS)
    {
        return Err(format!("a level is misspelt; {}", did_you_mean(level)));
    }
    let is_path = target.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && target
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte));
    if is_path {
        Ok(())
    } else {
        Err("it names neither a level nor a module".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_modules_are_filters() {
        for text in [
            "debug",
            "OFF",
            "3",
            "store_core=trace",
            "warn,comicvine_client::fetch=debug",
            "store_sqlite",
            "[span{a=1}]=info",
            "",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_nothing_would_pass_is_no_filter() {
        for (text, part) in [
            ("debgu", "did you mean `debug`?"),
            ("warning", "did you mean `warn`?"),
            ("store_core=trac", "expected one of"),
            ("store-core=debug", "neither a level nor a module"),
            ("info,9", "neither a level nor a module"),
            ("a b", "neither"),
            ("=", "neither"),
            ("x=[", "expected one of"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
