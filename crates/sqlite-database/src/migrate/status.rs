//! The comparison of declared with applied migrations.

use super::component::Component;
use crate::error::{Error, ErrorKind, Result};

/// A migration and its state in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The version.
    pub version: i64,
    /// The description.
    pub name: String,
    /// The state.
    pub state: MigrationState,
}

/// The state of a migration in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// Applied, and equal to this program's migration.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied, and different from this program's migration.
    Changed,
    /// Applied, and unknown to this program.
    Unknown,
}

/// A row of the migrations table.
pub(super) struct AppliedMigration {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) checksum: Vec<u8>,
}

/// Whether exactly the migrations up to `target` are applied.
pub(super) fn is_at(component: &Component, target: i64, applied: &[AppliedMigration]) -> bool {
    let wanted = component
        .migrations
        .iter()
        .map(|migration| migration.version);
    wanted
        .take_while(|version| *version <= target)
        .eq(applied.iter().map(|row| row.version))
}

/// Fails unless every applied migration is known and unchanged.
pub(super) fn ensure_compatible(component: &Component, applied: &[AppliedMigration]) -> Result<()> {
    let (name, known) = (component.name, component.latest_version());
    if let Some(newest) = applied.iter().map(|row| row.version).max()
        && newest > known
    {
        let detail = format!(
            "was written by a newer version (schema {newest} of {name}, this program knows \
             {known}); upgrade this program"
        );
        return Err(Error::new(ErrorKind::SchemaNewer, "migrate", detail));
    }
    for MigrationStatus { version, state, .. } in status(component, applied) {
        let difference = match state {
            MigrationState::Applied | MigrationState::Pending => continue,
            MigrationState::Changed => "was applied with different contents",
            MigrationState::Unknown => "was applied and is unknown to this program",
        };
        let detail = format!(
            "migration {version} of {name} {difference}; use the program that wrote the file, or a \
             new file"
        );
        return Err(Error::new(ErrorKind::SchemaChanged, "migrate", detail));
    }
    Ok(())
}

/// The migrations, declared or applied, in ascending order of version.
pub(super) fn status(component: &Component, applied: &[AppliedMigration]) -> Vec<MigrationStatus> {
    let known = component.migrations.iter().map(|migration| {
        let state = match applied.iter().find(|row| row.version == migration.version) {
            None => MigrationState::Pending,
            Some(row) if row.checksum == migration.checksum => MigrationState::Applied,
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
        .filter(|row| component.ensure_version_exists(row.version).is_err())
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
