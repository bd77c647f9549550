//! `comicvine budget`: what is left of the key's limits.

use comicvine_client::PathStatus;
use serde_json::json;
use store_core::{Status, Timestamp};

use crate::cli::{Global, Output};
use crate::commands::whole_seconds;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let session = Session::open(global).await?;
    let budget = session.comics.budget(global.priority).await?;
    let now = session.comics.now();
    let used: Vec<&PathStatus> = budget.in_use().collect();
    match global.output {
        Output::Table => {
            output::line(&table(&used, now))?;
            if let Some(until) = budget.blocked_until() {
                output::line(&format!("nothing is sent for {}", left(until, now)))?;
            }
        }
        Output::Json | Output::Jsonl => {
            let paths: Vec<_> = used
                .iter()
                .map(|path| as_json(&path.path, &path.status))
                .collect();
            let value = json!({"key": as_json("", &budget.key), "paths": paths});
            output::line(&value.to_string())?;
        }
    }
    session.close().await
}

fn table(used: &[&PathStatus], now: Timestamp) -> String {
    if used.is_empty() {
        return "nothing was sent in the last hour: the whole budget is left".to_owned();
    }
    let header = ["path", "used", "limit", "left", "more in", "cooldown"].map(str::to_owned);
    let rows = used.iter().map(|path| {
        let status = &path.status;
        let cooldown = status.cooldown_until.map(|until| left(until, now));
        vec![
            path.path.clone(),
            status.used.to_string(),
            status.limit.count.to_string(),
            status.remaining.to_string(),
            left(status.reset_at, now),
            cooldown.unwrap_or_default(),
        ]
    });
    output::grid(&header, rows, &[1, 2, 3])
}

fn left(until: Timestamp, now: Timestamp) -> String {
    humantime::format_duration(whole_seconds(until.since(now))).to_string()
}

fn as_json(path: &str, status: &Status) -> serde_json::Value {
    let time = |at: Timestamp| at.to_string();
    json!({
        "path": path,
        "limit": status.limit.count,
        "window_seconds": status.limit.window.as_secs_f64(),
        "used": status.used,
        "remaining": status.remaining,
        "reset_at": time(status.reset_at),
        "available_at": time(status.available_at),
        "cooldown_until": status.cooldown_until.map(time),
        "user_reserved": status.adaptive.as_ref().map(|adaptive| adaptive.allocation.user_reserved),
        "reason": status.adaptive.as_ref().map(|adaptive| adaptive.allocation.reason.clone()),
    })
}
