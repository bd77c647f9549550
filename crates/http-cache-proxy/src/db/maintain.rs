//! `gc`, `recompress`, `vacuum` and `clear`: what makes the file smaller.

use clap::Args;
use http_cache_db::store::ResponseStore;
use serde_json::json;

use crate::args::Ttl;
use crate::error::Error;
use crate::output::{count, pairs, size};

use super::file::File;

#[derive(Args, Debug)]
pub(super) struct Recompress {
    /// The longest time to spend, such as 30s or 10m; the next call goes on
    #[arg(long = "for", value_name = "TIME", default_value = "10m")]
    time: Ttl,
}

#[derive(Args, Debug)]
pub(super) struct Clear {
    /// Do it: all responses are removed
    #[arg(long)]
    yes: bool,
}

pub(super) async fn gc(file: &File) -> Result<(), Error> {
    let store = file.open().await?;
    let report = store.cleanup().await;
    let report = report.map_err(|source| file.failed(source))?;
    let text = || {
        pairs([
            ("removed responses' rows", count(report.responses)),
            ("bodies", count(report.bodies)),
            ("header pairs", count(report.header_pairs)),
            ("pages returned to the file system", count(report.pages)),
        ])
    };
    let json = || {
        json!({
            "responses": report.responses, "bodies": report.bodies,
            "header_pairs": report.header_pairs, "pages": report.pages,
        })
    };
    file.print(text, json)?;
    file.close(store).await
}

pub(super) async fn recompress(file: &File, options: &Recompress) -> Result<(), Error> {
    let store = file.open().await?;
    let report = store.recompress(options.time.0).await;
    let report = report.map_err(|source| file.failed(source))?;
    let text = || {
        let (before, after) = (size(report.bytes_before), size(report.bytes_after));
        let rest = if report.is_complete {
            "all were looked at"
        } else {
            "the time was over; call it again to go on"
        };
        pairs([
            ("dictionaries trained", count(report.dictionaries)),
            ("bodies that are shorter now", count(report.bodies)),
            ("bytes", format!("{before} before, {after} after")),
            ("the rest", rest.to_owned()),
        ])
    };
    let json = || {
        json!({
            "dictionaries": report.dictionaries, "bodies": report.bodies,
            "bytes_before": report.bytes_before, "bytes_after": report.bytes_after,
            "is_complete": report.is_complete,
        })
    };
    file.print(text, json)?;
    file.close(store).await
}

pub(super) async fn vacuum(file: &File) -> Result<(), Error> {
    let store = file.open().await?;
    let report = store.vacuum().await.map_err(|source| file.failed(source))?;
    let (before, after) = (report.bytes_before, report.bytes_after);
    file.print(
        || format!("{} before, {} after.", size(before), size(after)),
        || json!({"bytes_before": before, "bytes_after": after}),
    )?;
    file.close(store).await
}

pub(super) async fn clear(file: &File, options: &Clear) -> Result<(), Error> {
    if !options.yes {
        let text = "clear removes all responses; add --yes to do it";
        return Err(Error::Usage(text.to_owned()));
    }
    let store = file.open().await?;
    let removed = store.clear().await;
    let removed = removed.map_err(|source| file.failed(source))?;
    print_removed(file, removed, "Nothing was stored.")?;
    file.close(store).await
}

pub(super) fn print_removed(file: &File, responses: u64, nothing: &str) -> Result<(), Error> {
    file.print(
        || match responses {
            0 => nothing.to_owned(),
            1 => "1 response removed.".to_owned(),
            _ => format!("{} responses removed.", count(responses)),
        },
        || json!({"responses": responses}),
    )
}
