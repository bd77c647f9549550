//! `--raw NAME=VALUE`: parameters that the client does not know.

use crate::error::Error;

/// Splits `NAME=VALUE` of every `--raw`. Errors repeat no value: it may be a key.
pub(super) fn parse(texts: &[String]) -> Result<Vec<(&str, &str)>, Error> {
    let pairs = texts.iter().map(|text| {
        text.split_once('=').ok_or_else(|| {
            Error::usage("--raw takes a parameter like `video_type=3`: a name, `=` and a value")
        })
    });
    pairs.collect()
}
