//! `comicvine budget`: what is left of the key's limits.

use clap::Args;
use comicvine_client::{BudgetStatus, PathStatus};
use serde_json::json;
use store_core::{Status, Timestamp};

use crate::cli::{Global, Output};
use crate::commands::whole_seconds;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  comicvine budget
  comicvine budget --priority background
  comicvine budget --output json | jq '.paths[] | select(.path == \"issues\").remaining'";

/// Show what is left of the key's limits, per path.
///
/// Counts what was sent by everything that shares the database file, and asks nobody: it costs no
/// request. `left` is for the class that `--priority` names.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Budget {}

pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let session = Session::open(global).await?;
    let done = show(&session, global).await;
    session.close(done).await
}

async fn show(session: &Session, global: &Global) -> Result<(), Failure> {
    let budget = session.comics.budget(global.priority).await?;
    let now = session.comics.now();
    match global.output {
        Output::Table => {
            output::line(&table(&budget, now))?;
            if let Some(until) = budget.blocked_until() {
                let wait = left(until, now);
                output::line(&format!(
                    "Nothing at all may be sent for {wait}, until {until}."
                ))?;
            }
        }
        Output::Json | Output::Jsonl => {
            let paths: Vec<_> = budget
                .in_use()
                .map(|path| as_json(&path.path, &path.status))
                .collect();
            let value = json!({"key": as_json("", &budget.key), "paths": paths});
            output::line(&value.to_string())?;
        }
    }
    Ok(())
}

fn table(budget: &BudgetStatus, now: Timestamp) -> String {
    let used: Vec<&PathStatus> = budget.in_use().collect();
    if used.is_empty() {
        return "Nothing was sent in the last hour: the whole budget is left.".to_owned();
    }
    let header = ["path", "used", "", "limit", "left", "more in", "cooldown"];
    let rows = used.iter().map(|path| {
        let status = &path.status;
        let cooldown = status.cooldown_until.map(|until| left(until, now));
        vec![
            path.path.clone(),
            status.used.to_string(),
            output::gauge(u64::from(status.used), u64::from(status.limit.count)),
            status.limit.count.to_string(),
            status.remaining.to_string(),
            left(status.reset_at, now),
            cooldown.unwrap_or_else(|| "none".to_owned()),
        ]
    });
    output::grid(&header, rows, &[1, 3, 4])
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
