//! Statistics, cleanup, compaction, checks and backups.

use std::path::Path;

use serde_json::json;

use crate::error::Error;
use crate::options::OutputFormat;
use crate::output;
use crate::progress::spinner;
use crate::session::OpenStores;

pub(super) async fn stats(stores: &OpenStores, output: OutputFormat) -> Result<(), Error> {
    let cache = stores.cache.stats().await?;
    let jobs = stores.dedupe.stats().await?;
    let limits = stores.rate_limit.stats().await?;
    let size = stores.maintenance.size().await?;
    let limited: Vec<_> = limits
        .rate_limited_resources
        .iter()
        .map(ToString::to_string)
        .collect();
    if output != OutputFormat::Table {
        let mut value = json!({
            "answers": {"total": cache.total_items, "expired": cache.expired_items},
            "jobs": {
                "total": jobs.total_jobs, "pending": jobs.pending_jobs,
                "completed": jobs.completed_jobs, "failed": jobs.failed_jobs,
                "expired": jobs.lapsed_jobs,
            },
            "limits": {
                "admissions": limits.total_requests, "resources": limits.unique_resources,
                "used_up": limited,
            },
        });
        if let Some(size) = size {
            value[size.name] = size.json;
        }
        return Ok(output::print_line(&value.to_string())?);
    }
    let mut rows = vec![
        ("cached answers", cache.total_items.to_string()),
        ("expired answers", cache.expired_items.to_string()),
        ("requests in flight", jobs.pending_jobs.to_string()),
        (
            "requests abandoned by their owner",
            jobs.lapsed_jobs.to_string(),
        ),
        (
            "admissions in current windows",
            limits.total_requests.to_string(),
        ),
        (
            "resources with admissions",
            limits.unique_resources.to_string(),
        ),
        ("resources at their limit", limited.join(", ")),
    ];
    rows.extend(size.into_iter().flat_map(|size| size.rows));
    let rows = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value]);
    let header = ["", "now"].map(str::to_owned);
    Ok(output::print_line(&output::grid(&header, rows, &[]))?)
}

pub(super) async fn cleanup(stores: &OpenStores) -> Result<(), Error> {
    let progress = spinner("deleting expired entries");
    let mut deleted = [0, 0, 0];
    // Each run is bounded, so that other users of the stores are not blocked for long.
    loop {
        let run = [
            stores.cache.cleanup().await?,
            stores.dedupe.cleanup().await?,
            stores.rate_limit.cleanup().await?,
        ];
        if run == [0, 0, 0] {
            break;
        }
        for (sum, more) in deleted.iter_mut().zip(run) {
            *sum += more;
        }
    }
    progress.finish_and_clear();
    let [answers, jobs, admissions] = deleted;
    Ok(output::print_line(&format!(
        "deleted {answers} answers, {jobs} jobs and {admissions} admissions; {}",
        stores.maintenance.after_cleanup()
    ))?)
}

pub(super) async fn vacuum(stores: &OpenStores) -> Result<(), Error> {
    // What a large removal has hidden still takes its space.
    while stores.cache.cleanup().await? > 0 {}
    let text = stores.maintenance.vacuum().await?;
    Ok(output::print_line(&text)?)
}

pub(super) async fn check(stores: &OpenStores) -> Result<(), Error> {
    let text = stores.maintenance.check().await?;
    Ok(output::print_line(&text)?)
}

pub(super) async fn backup(stores: &OpenStores, path: &Path) -> Result<(), Error> {
    let text = stores.maintenance.backup(path).await?;
    Ok(output::print_line(&text)?)
}
