//! The migrations of a database and their states.

use serde_json::{Value, json};
use sqlite_database::{Component, Migration, MigrationState, MigrationStatus, SqliteDatabase};

use crate::error::Error;

/// Every migration of some components, known or applied, with its state.
#[derive(Debug, Default)]
pub(super) struct Schema {
    components: Vec<(&'static Component, Vec<MigrationStatus>)>,
}

impl Schema {
    pub(super) async fn read(
        database: &SqliteDatabase,
        components: &[&'static Component],
    ) -> Result<Self, Error> {
        let mut read = Vec::new();
        for component in components {
            read.push((*component, database.migration_status(component).await?));
        }
        Ok(Self { components: read })
    }

    /// Fails if a migration was applied that this program does not have.
    pub(super) fn ensure_known(&self) -> Result<(), Error> {
        for (component, status) in self.migrations() {
            let difference = match status.state {
                MigrationState::Applied | MigrationState::Pending => continue,
                MigrationState::Changed => "with other contents than this program has",
                MigrationState::Unknown | _ => "and is unknown to this program",
            };
            return Err(Error::usage(format!(
                "migration {} of {} was applied {difference}; use the program that wrote the file",
                status.version, component.name
            )));
        }
        Ok(())
    }

    /// The migrations that `up` would apply, in order.
    pub(super) fn pending(&self) -> Vec<(&'static Component, &'static Migration)> {
        self.migrations()
            .filter(|(_, status)| status.state == MigrationState::Pending)
            .filter_map(|(component, status)| {
                let mut known = component.migrations.iter();
                let migration = known.find(|known| known.version == status.version)?;
                Some((component, migration))
            })
            .collect()
    }

    /// The components with applied migrations, and the versions of these, in order.
    pub(super) fn applied(&self) -> impl Iterator<Item = (&'static Component, Vec<i64>)> {
        self.components.iter().filter_map(|(component, statuses)| {
            let versions: Vec<i64> = statuses
                .iter()
                .filter(|status| status.state != MigrationState::Pending)
                .map(|status| status.version)
                .collect();
            (!versions.is_empty()).then_some((*component, versions))
        })
    }

    /// One table row per migration; its state says whether it has changed since `before`.
    pub(super) fn rows_since(&self, before: &Self) -> Vec<Vec<String>> {
        let row = |(component, status): (&Component, &MigrationStatus)| {
            let is_same = |(other, earlier): &(&Component, &MigrationStatus)| {
                other.name == component.name && earlier.version == status.version
            };
            let earlier = before.migrations().find(is_same);
            let earlier = earlier.map(|(_, earlier)| earlier.state);
            vec![
                component.name.to_owned(),
                status.version.to_string(),
                status.name.clone(),
                state_since(earlier, status.state).to_owned(),
            ]
        };
        self.migrations()
            .map(|(component, status)| row((component, status)))
            .collect()
    }

    pub(super) fn json(&self) -> Value {
        self.migrations()
            .map(|(component, status)| {
                json!({
                    "component": component.name,
                    "version": status.version,
                    "name": status.name,
                    "state": state_since(None, status.state).to_ascii_lowercase(),
                })
            })
            .collect()
    }

    fn migrations(&self) -> impl Iterator<Item = (&'static Component, &MigrationStatus)> {
        self.components.iter().flat_map(|(component, statuses)| {
            statuses.iter().map(move |status| (*component, status))
        })
    }
}

fn state_since(before: Option<MigrationState>, now: MigrationState) -> &'static str {
    match (before, now) {
        (Some(MigrationState::Pending), MigrationState::Applied) => "applied now",
        (Some(MigrationState::Applied), MigrationState::Pending) => "reverted now",
        (_, MigrationState::Applied) => "applied",
        (_, MigrationState::Pending) => "pending",
        (_, MigrationState::Changed) => "CHANGED",
        (_, MigrationState::Unknown | _) => "UNKNOWN",
    }
}
