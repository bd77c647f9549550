//! Which migrations of which components a database has applied, at one moment.

use sqlite_database::{Component, Migration, MigrationState, MigrationStatus, SqliteDatabase};

use crate::error::Error;
use crate::table::{Column, Table};

/// Every migration of some components, known or applied, and where it stands.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Vec<(&'static Component, Vec<MigrationStatus>)>,
}

impl Ledger {
    pub(crate) async fn read(
        database: &SqliteDatabase,
        components: &[&'static Component],
    ) -> Result<Self, Error> {
        let mut entries = Vec::new();
        for component in components {
            entries.push((*component, database.migration_status(component).await?));
        }
        Ok(Self { entries })
    }

    /// Refuses a schema that this program did not make and so cannot judge.
    pub(crate) fn ensure_known(&self) -> Result<(), Error> {
        for (component, status) in self.rows() {
            let how = match status.state {
                MigrationState::Applied | MigrationState::Pending => continue,
                MigrationState::Changed => "with other contents than this program carries",
                MigrationState::Unknown | _ => "and is not known to this program",
            };
            return Err(Error::ForeignMigration {
                component: component.name,
                version: status.version,
                how,
            });
        }
        Ok(())
    }

    /// What going up would apply, in order.
    pub(crate) fn pending(&self) -> Vec<(&'static Component, &'static Migration)> {
        self.rows()
            .filter(|(_, status)| status.state == MigrationState::Pending)
            .filter_map(|(component, status)| {
                let mut known = component.migrations.iter();
                let migration = known.find(|known| known.version == status.version)?;
                Some((component, migration))
            })
            .collect()
    }

    /// The components that have something applied, with the versions that are, in order.
    pub(crate) fn applied(&self) -> impl Iterator<Item = (&'static Component, Vec<i64>)> {
        self.entries.iter().filter_map(|(component, statuses)| {
            let versions: Vec<i64> = statuses
                .iter()
                .filter(|status| status.state != MigrationState::Pending)
                .map(|status| status.version)
                .collect();
            (!versions.is_empty()).then_some((*component, versions))
        })
    }

    /// One row per migration; what differs from `before` happened now.
    pub(crate) fn table(&self, before: &Self) -> Table {
        let mut table = Table::new(&[
            Column::Left("component"),
            Column::Right("version"),
            Column::Left("name"),
            Column::Left("state"),
        ]);
        for (component, status) in self.rows() {
            let is_same = |(other, earlier): &(&Component, &MigrationStatus)| {
                other.name == component.name && earlier.version == status.version
            };
            let earlier = before
                .rows()
                .find(is_same)
                .map(|(_, earlier)| earlier.state);
            table.add([
                component.name.to_owned(),
                status.version.to_string(),
                status.name.clone(),
                state(earlier, status.state).to_owned(),
            ]);
        }
        table
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Component, &MigrationStatus)> {
        self.entries.iter().flat_map(|(component, statuses)| {
            statuses.iter().map(move |status| (*component, status))
        })
    }
}

fn state(earlier: Option<MigrationState>, now: MigrationState) -> &'static str {
    match (earlier, now) {
        (Some(MigrationState::Pending), MigrationState::Applied) => "applied now",
        (Some(MigrationState::Applied), MigrationState::Pending) => "undone now",
        (_, MigrationState::Applied) => "applied",
        (_, MigrationState::Pending) => "pending",
        (_, MigrationState::Changed) => "CHANGED",
        (_, MigrationState::Unknown | _) => "UNKNOWN",
    }
}
