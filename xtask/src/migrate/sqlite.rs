//! The schema of store-sqlite in one file: up, down, and two ways to look.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use sqlite_database::{Component, CreateMode, DatabaseOptions, SqliteDatabase};
use store_sqlite::COMPONENTS;

use crate::error::Error;
use crate::table::{Column, Table};

use super::ledger::Ledger;
use super::stored;

/// The file, and what to do with it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The database file.
    #[arg(long, value_name = "PATH")]
    database: PathBuf,

    /// Only this component [default: all].
    #[arg(long, global = true, value_parser = PossibleValuesParser::new(COMPONENTS.map(|it| it.name)))]
    component: Option<String>,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Apply every migration that is pending; without an action, this is it.
    Up {
        /// Create the file if it does not exist.
        #[arg(long)]
        create: bool,
    },
    /// Go back by N migrations in each component, or to nothing where there are fewer.
    Down {
        /// How many migrations to undo.
        #[arg(value_name = "N")]
        steps: NonZeroUsize,
        /// Do it although the tables hold rows, which may be lost.
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied.
    Status,
    /// Show what `up` would do, with its SQL, and apply none of it.
    Plan,
}

pub(crate) async fn run(args: &Args) -> Result<(), Error> {
    let components: Vec<&'static Component> = COMPONENTS
        .into_iter()
        .filter(|component| {
            args.component
                .as_ref()
                .is_none_or(|name| name == component.name)
        })
        .collect();
    let action = args.action.unwrap_or(Action::Up { create: false });
    let database = open(&args.database, action).await?;
    let mut page = String::new();
    let outcome = act(&database, &components, action, &mut page).await;
    // What was done is worth knowing whether or not all of it worked.
    print!("{page}");
    let closed = database.close().await;
    outcome?;
    Ok(closed?)
}

async fn open(path: &Path, action: Action) -> Result<SqliteDatabase, Error> {
    let may_create = matches!(action, Action::Up { create: true });
    let exists = path.try_exists().map_err(Error::file("find", path))?;
    if !exists && !may_create {
        return Err(Error::NoDatabase {
            path: path.display().to_string(),
        });
    }
    let mode = if may_create {
        CreateMode::IfMissing
    } else {
        CreateMode::Never
    };
    let options = DatabaseOptions::default().with_create(mode);
    Ok(SqliteDatabase::open_with(path, options).await?)
}

/// Does it, and writes what there is to tell on `page`.
async fn act(
    database: &SqliteDatabase,
    components: &[&'static Component],
    action: Action,
    page: &mut String,
) -> Result<(), Error> {
    let before = Ledger::read(database, components).await?;
    let outcome = match action {
        Action::Up { .. } => up(database, components).await,
        Action::Down { steps, yes } => down(database, &before, steps, Consent::of(yes), page).await,
        Action::Status => before.ensure_known(),
        Action::Plan => before.ensure_known().map(|()| plan(&before, page)),
    };
    let after = Ledger::read(database, components).await?;
    page.insert_str(0, &after.table(&before).to_string());
    outcome
}

async fn up(database: &SqliteDatabase, components: &[&'static Component]) -> Result<(), Error> {
    for component in components {
        // Not the database itself: a file of the original package is backed up first.
        store_sqlite::migrate_component(database, component).await?;
    }
    Ok(())
}

/// Whether whoever asks accepts that rows may be lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Consent {
    Given,
    Missing,
}

impl Consent {
    fn of(yes: bool) -> Self {
        if yes { Self::Given } else { Self::Missing }
    }
}

async fn down(
    database: &SqliteDatabase,
    before: &Ledger,
    steps: NonZeroUsize,
    consent: Consent,
    page: &mut String,
) -> Result<(), Error> {
    before.ensure_known()?;
    let applied: Vec<(&'static Component, Vec<i64>)> = before.applied().collect();
    if consent == Consent::Missing {
        let newest = applied
            .iter()
            .filter_map(|(component, versions)| Some((*component, *versions.last()?)));
        ensure_empty(database, &newest.collect::<Vec<_>>(), page).await?;
    }
    for (component, versions) in applied {
        let mut back = versions.iter().rev().skip(steps.get());
        let target = back.next().copied().unwrap_or(0);
        database.migrate_to(component, target).await?;
    }
    Ok(())
}

async fn ensure_empty(
    database: &SqliteDatabase,
    components: &[(&'static Component, i64)],
    page: &mut String,
) -> Result<(), Error> {
    let stored = stored::rows(database, components).await?;
    if stored.is_empty() {
        return Ok(());
    }
    let rows = stored.iter().map(|(_, rows)| rows).sum();
    let mut table = Table::new(&[Column::Left("table"), Column::Right("rows")]);
    for (name, rows) in stored {
        table.add([name, rows.to_string()]);
    }
    // Writing to a string cannot fail.
    let _ = write!(page, "\n{table}");
    Err(Error::WouldLose { rows })
}

fn plan(ledger: &Ledger, page: &mut String) {
    for (component, migration) in ledger.pending() {
        let (version, name) = (migration.version, migration.name);
        let sql = migration.up.trim_end();
        // Writing to a string cannot fail.
        let _ = write!(page, "\n-- {} {version} {name}\n{sql}\n", component.name);
    }
}

#[cfg(test)]
mod tests;
