//! `comicvine db`: the schema of a database file, forward and back.
//!
//! The migrations and their locks are store-sqlite's; this only runs them and shows the result.

mod report;
mod rows;
mod schema;

use std::num::NonZeroUsize;
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use sqlite_database::{Component, CreateMode, DatabaseOptions, SqliteDatabase};
use store_sqlite::COMPONENTS;

use crate::error::Error;
use crate::options::{GlobalOptions, OutputFormat};
use crate::output;
use crate::store;

use report::Report;
use schema::Schema;

const EXAMPLES: &str = "\
Examples:
  comicvine db status
  comicvine db plan --db comics.db               # shows the SQL and changes nothing
  comicvine db up --db comics.db
  comicvine db up --create --db new.db
  comicvine db down 1 --component cache --db comics.db
  comicvine db status --output json | jq '.migrations[] | select(.state == \"pending\")'

A file that the npm package @comic-vine/sqlite-store wrote is copied to a backup beside it before
`up` changes it.";

/// Show, apply and revert the schema migrations of a database file.
///
/// Every command that uses the stores migrates the file when it opens it. This is for migrating it
/// beforehand, for looking at it, and for going back. The file is that of `--db`, as for every command;
/// only `up --create` creates one.
///
/// Each component of the schema has migrations of its own, and each run is one transaction: it
/// succeeds, or the file is unchanged.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Db {
    /// Only this component [default: all].
    #[arg(long, value_name = "NAME", global = true)]
    #[arg(value_parser = PossibleValuesParser::new(COMPONENTS.map(|component| component.name)))]
    component: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Show which migrations are applied.
    Status,
    /// Show what `up` would do, with its SQL, and change nothing.
    Plan,
    /// Apply every pending migration.
    Up {
        /// Create the file if it does not exist.
        #[arg(long)]
        create: bool,
    },
    /// Revert the last N migrations of each component, or all if there are fewer.
    Down {
        /// How many migrations to revert.
        #[arg(value_name = "N")]
        steps: NonZeroUsize,
        /// Revert them although the tables hold rows, which may be lost.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(global: &GlobalOptions, db: Db) -> Result<(), Error> {
    let components: Vec<&'static Component> = COMPONENTS
        .into_iter()
        .filter(|component| {
            db.component
                .as_ref()
                .is_none_or(|name| name == component.name)
        })
        .collect();
    let database = open(&store::database_path(global)?, db.action).await?;
    let (report, result) = execute(&database, &components, db.action).await?;
    let printed = match global.output {
        OutputFormat::Table => output::print_line(&report.text()),
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Csv => {
            output::print_line(&report.json().to_string())
        }
    };
    let closed = database.close().await;
    result?;
    printed?;
    Ok(closed?)
}

async fn open(path: &Path, action: Action) -> Result<SqliteDatabase, Error> {
    let mode = match action {
        Action::Up { create: true } => CreateMode::IfMissing,
        Action::Up { create: false } | Action::Down { .. } | Action::Status | Action::Plan => {
            CreateMode::Never
        }
    };
    if mode == CreateMode::Never && !path.try_exists()? {
        return Err(Error::usage(format!(
            "{0} does not exist; `comicvine db up --create --db {0}` creates a new database",
            path.display()
        )));
    }
    let options = DatabaseOptions::default().with_create(mode);
    SqliteDatabase::open_with(path, options)
        .await
        .map_err(Error::config)
}

/// Runs the action. The report is valid even if the action failed.
async fn execute(
    database: &SqliteDatabase,
    components: &[&'static Component],
    action: Action,
) -> Result<(Report, Result<(), Error>), Error> {
    let before = Schema::read(database, components).await?;
    let mut report = Report::default();
    let result = match action {
        Action::Up { .. } => up(database, components).await,
        Action::Down { steps, yes } => {
            let consent = if yes {
                Consent::Given
            } else {
                Consent::Missing
            };
            down(database, &before, steps, consent, &mut report).await
        }
        Action::Status => before.ensure_known(),
        Action::Plan => {
            report.pending = before.pending();
            before.ensure_known()
        }
    };
    report.after = Schema::read(database, components).await?;
    report.before = before;
    Ok((report, result))
}

async fn up(database: &SqliteDatabase, components: &[&'static Component]) -> Result<(), Error> {
    for component in components {
        // The store's function, because it backs up a file of the npm package first.
        store_sqlite::migrate_component(database, component).await?;
    }
    Ok(())
}

/// Whether the user accepts the loss of rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Consent {
    Given,
    Missing,
}

async fn down(
    database: &SqliteDatabase,
    before: &Schema,
    steps: NonZeroUsize,
    consent: Consent,
    report: &mut Report,
) -> Result<(), Error> {
    before.ensure_known()?;
    let applied: Vec<(&'static Component, Vec<i64>)> = before.applied().collect();
    if consent == Consent::Missing {
        let newest: Vec<_> = applied
            .iter()
            .filter_map(|(component, versions)| Some((*component, *versions.last()?)))
            .collect();
        report.rows = rows::count_all(database, &newest).await?;
        if !report.rows.is_empty() {
            let rows: u64 = report.rows.iter().map(|(_, rows)| rows).sum();
            return Err(Error::usage(format!(
                "reverting may lose {rows} row(s), listed above; nothing was changed, add --yes to revert"
            )));
        }
    }
    for (component, versions) in applied {
        let target = versions.iter().rev().nth(steps.get());
        database
            .migrate_to(component, target.copied().unwrap_or(0))
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
