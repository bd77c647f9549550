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
        let latest = versions.iter().map(|version| version.version).max();
        let to = self.to.or(latest).unwrap_or(1);
        let from = self.from.unwrap_or_else(|| to.saturating_sub(1));
        let mut texts = Vec::new();
        for number in [from, to] {
            let version = numbered(number, &versions)?;
            let body = file.body(&store, version.content).await?;
            let text = String::from_utf8(body).map_err(|_| {
                Error::Failed(format!(
                    "version {number} is no UTF-8 text; write both with history --body N, and compare the files"
                ))
            })?;
            texts.push(lines(text));
        }
        let unified = unified(&texts, from, to);
        let text = || match unified.as_str() {
            "" => format!("Versions {from} and {to} are equal."),
            unified => unified.trim_end().to_owned(),
        };
        file.print(text, || json!({"from": from, "to": to, "diff": unified}))?;
        file.close(store).await
    }
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
