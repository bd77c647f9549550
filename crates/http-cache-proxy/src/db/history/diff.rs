//! `diff`: in what two versions of a body differ.

use clap::Args;
use serde_json::{Value, json};
use similar::TextDiff;

use super::super::file::{File, whole_url};
use super::{numbered, versions};
use crate::error::Error;

#[derive(Args, Debug)]
pub(in super::super) struct Diff {
    /// The URL at the origin, also with REDACTED in place of secrets
    url: String,
    /// The older version, by its number; the one before the newer version by default
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// The newer version, by its number; the latest by default
    #[arg(long, value_name = "N")]
    to: Option<u64>,
}

impl Diff {
    pub(in super::super) async fn run(&self, file: &File) -> Result<(), Error> {
        whole_url(&self.url)?;
        let store = file.look().await?;
        let versions = versions(file, &store, &self.url).await?;
        // Several variants of a URL have versions of their own.
        let to = match self.to {
            Some(number) => numbered(number, &versions)?,
            None => versions.first().ok_or_else(nothing)?,
        };
        let of_response = versions
            .iter()
            .filter(|version| version.response == to.response);
        let of_response: Vec<_> = of_response.cloned().collect();
        let from = self.from.unwrap_or_else(|| to.version.saturating_sub(1));
        let from = numbered(from, &of_response)?;
        let is_same = from.hash == to.hash;
        let mut texts = Vec::new();
        for version in [from, to] {
            let number = version.version;
            let body = file.body(&store, version.content).await?;
            let text = String::from_utf8(body).map_err(|_| {
                Error::Failed(format!(
                    "version {number} is no UTF-8 text; write both with history --body N, and compare the files"
                ))
            })?;
            texts.push(lines(text));
        }
        let (from, to) = (from.version, to.version);
        let unified = unified(&texts, from, to);
        let text = || shown(&unified, is_same, (from, to));
        file.print(text, || json!({"from": from, "to": to, "diff": unified}))?;
        file.close(store).await
    }
}

fn nothing() -> Error {
    Error::Failed("nothing is stored of this URL".to_owned())
}

/// JSON with a value in each line, because APIs send all in one; any other text as it is.
fn lines(text: String) -> String {
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() || value.is_array() => {
            format!("{value:#}\n")
        }
        Ok(_) | Err(_) => text,
    }
}

fn unified(texts: &[String], from: u64, to: u64) -> String {
    let [older, newer] = texts else {
        return String::new();
    };
    let diff = TextDiff::from_lines(older.as_str(), newer.as_str());
    let (from, to) = (format!("version {from}"), format!("version {to}"));
    diff.unified_diff().header(&from, &to).to_string()
}

fn shown(unified: &str, is_same: bool, (from, to): (u64, u64)) -> String {
    match unified {
        "" if is_same => format!("Versions {from} and {to} are equal."),
        "" => format!(
            "Versions {from} and {to} differ only in how their JSON is written; history --body N writes one."
        ),
        unified => unified.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(older: &str, newer: &str) -> String {
        let texts = [older, newer].map(|text| lines(text.to_owned()));
        shown(&unified(&texts, 1, 2), older == newer, (1, 2))
    }

    #[test]
    fn json_is_compared_by_its_values() {
        let changed = diff(r#"{"id":1,"name":"Saga"}"#, r#"{"id":1,"name":"Saga!"}"#);
        let edits = changed
            .lines()
            .skip(2)
            .filter(|line| line.starts_with(['+', '-']));
        let edits: Vec<_> = edits.collect();
        assert_eq!(edits, [r#"-  "name": "Saga""#, r#"+  "name": "Saga!""#]);
    }

    #[test]
    fn bodies_that_differ_are_never_called_equal() {
        let reordered = diff(r#"{"a":1,"b":2}"#, r#"{"b":2, "a":1}"#);
        assert!(reordered.contains("differ only in how"), "{reordered}");
        let equal = diff("the same", "the same");
        assert_eq!(equal, "Versions 1 and 2 are equal.");
    }
}
