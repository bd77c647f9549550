//! `check`: whether the file is sound.

use http_cache_db::sqlite::VerifyReport;
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::{count, grid};

use super::file::File;

pub(super) async fn run(file: &File) -> Result<(), Error> {
    let store = file.look().await?;
    let report = store.verify().await;
    let report = report.map_err(|source| file.failed(source))?;
    file.print(|| text(&report), || json(&report))?;
    file.close(store).await?;
    if report.is_ok() {
        return Ok(());
    }
    let text = "the file is not sound; remove it while no proxy runs, and a new one is begun";
    Err(Error::Failed(text.to_owned()))
}

fn text(report: &VerifyReport) -> String {
    let bodies = count(report.bodies);
    if report.is_ok() {
        return format!(
            "Sound: the pages of the file, what refers to what, and {bodies} bodies against their hashes."
        );
    }
    let damage = report.damage.iter();
    let damage = damage.map(|what| vec!["damage".to_owned(), what.clone()]);
    let violations = report.violations.iter();
    let violations = violations
        .map(|(what, times)| vec!["row".to_owned(), format!("{what}: {}", count(*times))]);
    let damaged = report.damaged_bodies.iter();
    let damaged = damaged.map(|body| {
        let what = format!("body {} is not that of its hash, or cannot be read", body.0);
        vec!["body".to_owned(), what]
    });
    let found = damage.chain(violations).chain(damaged);
    format!(
        "{}\n{bodies} bodies were compared with their hashes.",
        grid(&["where", "what is wrong"], found, &[])
    )
}

fn json(report: &VerifyReport) -> Value {
    let violations = report.violations.iter();
    let violations = violations.map(|(what, times)| json!({"what": what, "count": times}));
    let damaged = report.damaged_bodies.iter().map(|body| body.0);
    json!({
        "is_sound": report.is_ok(),
        "damage": report.damage,
        "violations": violations.collect::<Value>(),
        "damaged_bodies": damaged.collect::<Vec<_>>(),
        "checked_bodies": report.bodies,
    })
}
