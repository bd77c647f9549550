//! Compares what a component declares with what a database has applied.

use sqlx::migrate::Migrator;

use super::component::Component;
use crate::error::{Error, ErrorKind, Result};

/// Where one migration stands in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The version.
    pub version: i64,
    /// What it does.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

/// Whether a migration is part of a database's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// Applied as this program carries it.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied with other contents than this program carries.
    Changed,
    /// Applied, and not known to this program.
    Unknown,
}

/// A row of the bookkeeping table.
pub(super) struct Applied {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) checksum: Vec<u8>,
}

/// Whether exactly the migrations up to `target` are applied.
pub(super) fn is_at(component: &Component, target: i64, applied: &[Applied]) -> bool {
    let wanted = component
        .migrations
        .iter()
        .map(|migration| migration.version);
    wanted
        .take_while(|version| *version <= target)
        .eq(applied.iter().map(|row| row.version))
}

pub(super) fn ensure_compatible(
    component: &Component,
    migrator: &Migrator,
    applied: &[Applied],
) -> Result<()> {
    let (name, known) = (component.name, component.latest());
    if let Some(newest) = applied.iter().map(|row| row.version).max()
        && newest > known
    {
        let detail = format!(
            "was written by a newer version (schema {newest} of {name}, this program knows \
             {known}); upgrade this program"
        );
        return Err(Error::new(ErrorKind::SchemaNewer, "migrate", detail));
    }
    for MigrationStatus { version, state, .. } in status(component, migrator, applied) {
        let what = match state {
            MigrationState::Applied | MigrationState::Pending => continue,
            MigrationState::Changed => "was applied with other contents than this program carries",
            MigrationState::Unknown => "was applied and is not known to this program",
        };
        let detail = format!(
            "migration {version} of {name} {what}; use the program that wrote the file, or a \
             new file"
        );
        return Err(Error::new(ErrorKind::SchemaChanged, "migrate", detail));
    }
    Ok(())
}

pub(super) fn status(
    component: &Component,
    migrator: &Migrator,
    applied: &[Applied],
) -> Vec<MigrationStatus> {
    let checksum = |version| {
        migrator
            .iter()
            .find(|step| step.version == version && step.migration_type.is_up_migration())
            .map(|step| &*step.checksum)
    };
    let known = component.migrations.iter().map(|migration| {
        let state = match applied.iter().find(|row| row.version == migration.version) {
            None => MigrationState::Pending,
            Some(row) if Some(&*row.checksum) == checksum(row.version) => MigrationState::Applied,
            Some(_) => MigrationState::Changed,
        };
        MigrationStatus {
            version: migration.version,
            name: migration.name.to_owned(),
            state,
        }
    });
    let unknown = applied
        .iter()
        .filter(|row| checksum(row.version).is_none())
        .map(|row| {
            let state = MigrationState::Unknown;
            MigrationStatus {
                version: row.version,
                name: row.name.clone(),
                state,
            }
        });
    let mut all: Vec<_> = known.chain(unknown).collect();
    all.sort_by_key(|migration| migration.version);
    all
}
