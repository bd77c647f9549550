//! The file as a whole.

use std::path::Path;

use indicatif::HumanBytes;
use serde_json::json;
use store_core::{CacheStore, DedupeStore, RateLimitStore};

use crate::cli::Output;
use crate::failure::Failure;
use crate::output;
use crate::progress::spinner;
use crate::session::Shelf;

pub(super) async fn stats(shelf: &Shelf, output: Output) -> Result<(), Failure> {
    let cache = shelf.cache.stats().await?;
    let jobs = shelf.dedupe.stats().await?;
    let limits = shelf.rate_limit.stats().await?;
    let size = shelf.db.size().await.map_err(Failure::failed)?;
    let limited: Vec<_> = limits
        .rate_limited_resources
        .iter()
        .map(ToString::to_string)
        .collect();
    if output != Output::Table {
        let value = json!({
            "answers": {"total": cache.total_items, "expired": cache.expired_items},
            "jobs": {
                "total": jobs.total_jobs, "pending": jobs.pending_jobs,
                "completed": jobs.completed_jobs, "failed": jobs.failed_jobs,
                "expired": jobs.expired_jobs,
            },
            "limits": {
                "admissions": limits.total_requests, "resources": limits.unique_resources,
                "used_up": limited,
            },
            "file": {
                "bytes": size.bytes(), "free_bytes": size.free_bytes(),
                "wal_bytes": size.wal_bytes,
            },
        });
        return Ok(output::line(&value.to_string())?);
    }
    let rows = [
        ("answers kept", cache.total_items.to_string()),
        ("of them expired", cache.expired_items.to_string()),
        ("requests in flight", jobs.pending_jobs.to_string()),
        ("given up by their owner", jobs.expired_jobs.to_string()),
        (
            "admissions that still count",
            limits.total_requests.to_string(),
        ),
        (
            "resources they count against",
            limits.unique_resources.to_string(),
        ),
        ("of them used up", limited.join(", ")),
        ("file", HumanBytes(size.bytes()).to_string()),
        ("of it free", HumanBytes(size.free_bytes()).to_string()),
        ("write-ahead log", HumanBytes(size.wal_bytes).to_string()),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    let header = ["in the file", "now"].map(str::to_owned);
    Ok(output::line(&output::grid(&header, rows, &[]))?)
}

pub(super) async fn cleanup(shelf: &Shelf) -> Result<(), Failure> {
    let sweeping = spinner("sweeping");
    let mut swept = [0, 0, 0];
    // Each run is bounded, so that nobody who uses the file has to wait long.
    loop {
        let run = [
            shelf.cache.cleanup().await?,
            shelf.dedupe.cleanup().await?,
            shelf.rate_limit.cleanup().await?,
        ];
        if run == [0, 0, 0] {
            break;
        }
        for (sum, more) in swept.iter_mut().zip(run) {
            *sum += more;
        }
    }
    sweeping.finish_and_clear();
    let [answers, jobs, admissions] = swept;
    Ok(output::line(&format!(
        "swept {answers} answers, {jobs} jobs and {admissions} admissions; `comicvine cache vacuum` \
         gives their room back to the disk"
    ))?)
}

pub(super) async fn vacuum(shelf: &Shelf) -> Result<(), Failure> {
    let working = spinner("rebuilding the file");
    let vacuumed = shelf.db.vacuum().await;
    working.finish_and_clear();
    let vacuumed = vacuumed.map_err(Failure::failed)?;
    Ok(output::line(&format!(
        "{} before, {} now",
        HumanBytes(vacuumed.bytes_before),
        HumanBytes(vacuumed.bytes_after)
    ))?)
}

pub(super) async fn check(shelf: &Shelf) -> Result<(), Failure> {
    let working = spinner("reading the whole file");
    let report = shelf.db.check().await;
    working.finish_and_clear();
    let report = report.map_err(Failure::failed)?;
    if report.is_ok() {
        return Ok(output::line("the file is whole")?);
    }
    for damage in &report.damage {
        output::line(damage)?;
    }
    for reference in &report.broken_references {
        output::line(&reference.to_string())?;
    }
    Err(Failure::Unmet(
        "the file is damaged; move it away and put a backup in its place, or start afresh: it is a \
         cache"
            .to_owned(),
    ))
}

pub(super) async fn backup(shelf: &Shelf, path: &Path) -> Result<(), Failure> {
    let working = spinner("copying");
    let copied = shelf.db.backup(path).await;
    working.finish_and_clear();
    copied.map_err(Failure::setting)?;
    Ok(output::line(&format!("copied to {}", path.display()))?)
}
