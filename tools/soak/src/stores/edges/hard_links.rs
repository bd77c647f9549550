//! A second name for the file, by which another program opens it.

use std::fs;
use std::path::Path;

use store_core::ErrorKind;

use super::{Pair, Trial};
use crate::error::Error;

const VALUES: usize = 50;

pub(super) async fn run(file: &Path) -> Result<Trial, Error> {
    let mut trial = Trial::new("hard links");
    let database = store_sqlite::open(file).await?;
    let pair = Pair::over(&database)?;
    let link = file.with_extension("link");
    fs::hard_link(file, &link).map_err(Error::file("link", file))?;
    for number in 0..VALUES {
        // Whoever has it open goes on, by the name that it has.
        pair.set(number).await?;
        for name in [&link, file] {
            trial.calls += 1;
            let kind = store_sqlite::open(name)
                .await
                .map(drop)
                .map_err(|error| error.kind());
            trial.expect(!cfg!(unix) || kind == Err(ErrorKind::Unavailable), || {
                format!("{}: {kind:?}", name.display())
            });
        }
    }
    fs::remove_file(&link).map_err(Error::file("remove", &link))?;
    database.close().await?;
    let database = store_sqlite::open(file).await?;
    let pair = Pair::over(&database)?;
    for number in 0..VALUES {
        let is_there = pair.has(number).await?;
        trial.expect(is_there, || format!("value {number} is lost"));
    }
    let report = database.check().await?;
    trial.expect(report.is_ok(), || format!("{report:?}"));
    database.close().await?;
    Ok(trial)
}
