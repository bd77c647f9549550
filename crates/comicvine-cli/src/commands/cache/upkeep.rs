//! All that is kept as a whole.

use std::path::Path;

use serde_json::json;

use crate::cli::Output;
use crate::failure::Failure;
use crate::output;
use crate::progress::spinner;
use crate::session::Shelf;

pub(super) async fn stats(shelf: &Shelf, output: Output) -> Result<(), Failure> {
    let cache = shelf.cache.stats().await?;
    let jobs = shelf.dedupe.stats().await?;
    let limits = shelf.rate_limit.stats().await?;
    let size = shelf.keeper.size().await?;
    let limited: Vec<_> = limits
        .rate_limited_resources
        .iter()
        .map(ToString::to_string)
        .collect();
    if output != Output::Table {
        let mut value = json!({
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
        });
        if let Some(size) = size {
            value[size.of] = size.json;
        }
        return Ok(output::line(&value.to_string())?);
    }
    let mut rows = vec![
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
    ];
    rows.extend(size.into_iter().flat_map(|size| size.rows));
    let rows = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value]);
    let header = ["kept", "now"].map(str::to_owned);
    Ok(output::line(&output::grid(&header, rows, &[]))?)
}

pub(super) async fn cleanup(shelf: &Shelf) -> Result<(), Failure> {
    let sweeping = spinner("sweeping");
    let mut swept = [0, 0, 0];
    // Each run is bounded, so that nobody who uses the stores has to wait long.
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
        "swept {answers} answers, {jobs} jobs and {admissions} admissions; {}",
        shelf.keeper.after_cleanup()
    ))?)
}

pub(super) async fn vacuum(shelf: &Shelf) -> Result<(), Failure> {
    let told = shelf.keeper.vacuum().await?;
    Ok(output::line(&told)?)
}

pub(super) async fn check(shelf: &Shelf) -> Result<(), Failure> {
    let told = shelf.keeper.check().await?;
    Ok(output::line(&told)?)
}

pub(super) async fn backup(shelf: &Shelf, path: &Path) -> Result<(), Failure> {
    let told = shelf.keeper.backup(path).await?;
    Ok(output::line(&told)?)
}
