//! `comicvine budget`: the remaining rate limits of the key.

use clap::Args;
use comicvine_client::{BudgetStatus, PathStatus};
use serde_json::json;
use store_core::{Status, Timestamp};

use crate::error::Error;
use crate::options::{GlobalOptions, OutputFormat};
use crate::output;
use crate::session::Session;
use crate::store::Purpose;

const EXAMPLES: &str = "\
Examples:
  comicvine budget
  comicvine budget --priority background
  comicvine budget --lift
  comicvine budget --output json | jq '.paths[] | select(.path == \"issues\").remaining'";

/// Show the remaining rate limits of the key, per path.
///
/// Counts the requests of every program that shares the store, and sends none. `left` is for the
/// class that `--priority` names.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Budget {
    /// Lift every cooldown of the server and the key first, for all programs that share the store. Only
    /// if you know that it is wrong: requests into a block prolong it.
    #[arg(long)]
    lift: bool,
}

pub(crate) async fn run(global: &GlobalOptions, budget: Budget) -> Result<(), Error> {
    let purpose = if budget.lift {
        Purpose::Requests
    } else {
        Purpose::Limits
    };
    let session = Session::open_for(global, purpose).await?;
    let result = run_in(&session, global, &budget).await;
    session.close(result).await
}

async fn run_in(session: &Session, global: &GlobalOptions, budget: &Budget) -> Result<(), Error> {
    if budget.lift {
        let lifted = session.comics.lift_cooldowns().await?;
        output::print_notice(&match lifted {
            0 => "There was no cooldown.".to_owned(),
            1 => "1 cooldown is lifted.".to_owned(),
            more => format!("{more} cooldowns are lifted."),
        });
    }
    show(session, global).await
}

async fn show(session: &Session, global: &GlobalOptions) -> Result<(), Error> {
    let budget = session.comics.budget(global.priority).await?;
    let now = session.comics.now();
    match global.output {
        OutputFormat::Table => {
            output::print_line(&table(&budget, now))?;
            if let Some(until) = budget.blocked_until() {
                let (wait, until) = (left(until, now), output::local_time(until, now));
                output::print_line(&format!("Nothing may be sent for {wait}, until {until}."))?;
            }
        }
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Csv => {
            let paths: Vec<_> = budget
                .in_use()
                .map(|path| as_json(&path.path, &path.status))
                .collect();
            let value = json!({"origin": as_json("", &budget.origin), "paths": paths});
            output::print_line(&value.to_string())?;
        }
    }
    Ok(())
}

fn table(budget: &BudgetStatus, now: Timestamp) -> String {
    let used: Vec<&PathStatus> = budget.in_use().collect();
    if used.is_empty() {
        return "No request was sent in the last hour: the whole budget is left.".to_owned();
    }
    let header = ["path", "used", "", "limit", "left", "more in", "cooldown"];
    let rows = used.iter().map(|path| {
        let status = &path.status;
        let cooldown = status.cooldown_until.map(|until| left(until, now));
        vec![
            path.path.clone(),
            status.used.to_string(),
            output::usage_bar(u64::from(status.used), u64::from(status.limit.count())),
            status.limit.count().to_string(),
            status.remaining.to_string(),
            left(status.reset_at, now),
            cooldown.unwrap_or_else(|| "none".to_owned()),
        ]
    });
    output::grid(&header, rows, &[1, 3, 4])
}

fn left(until: Timestamp, now: Timestamp) -> String {
    output::format_duration(until.since(now))
}

fn as_json(path: &str, status: &Status) -> serde_json::Value {
    let time = |at: Timestamp| at.to_string();
    json!({
        "path": path,
        "limit": status.limit.count(),
        "window_seconds": status.limit.window().as_secs_f64(),
        "used": status.used,
        "remaining": status.remaining,
        "reset_at": time(status.reset_at),
        "available_at": time(status.available_at),
        "cooldown_until": status.cooldown_until.map(time),
        "user_reserved": status.adaptive.as_ref().map(|adaptive| adaptive.allocation.user_reserved),
        "reason": status.adaptive.as_ref().map(|adaptive| adaptive.allocation.reason.clone()),
    })
}
