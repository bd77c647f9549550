//! What a schema command has found and done, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sqlite_database::{Component, Migration};

use crate::output;

use super::schema::Schema;

/// The schema before and after an action, with the details of the action.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) before: Schema,
    pub(super) after: Schema,
    /// The migrations that `plan` shows with their SQL.
    pub(super) pending: Vec<(&'static Component, &'static Migration)>,
    /// The rows that `down` may lose, by table.
    pub(super) rows: Vec<(String, u64)>,
}

impl Report {
    pub(super) fn text(&self) -> String {
        let header = ["component", "version", "name", "state"];
        let mut text = output::grid(&header, self.after.rows_since(&self.before), &[1]);
        if !self.rows.is_empty() {
            let rows = self.rows.iter();
            let rows = rows.map(|(table, rows)| vec![table.clone(), rows.to_string()]);
            text.push('\n');
            text.push_str(&output::grid(&["table", "rows"], rows, &[1]));
        }
        for (component, migration) in &self.pending {
            let (version, name) = (migration.version, migration.name);
            let sql = migration.up.trim_end();
            // Writing to a string cannot fail.
            let _ = write!(text, "\n\n-- {} {version} {name}\n{sql}", component.name);
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let mut value = json!({"migrations": self.after.json()});
        if !self.rows.is_empty() {
            let rows = self.rows.iter();
            value["rows"] = rows
                .map(|(table, rows)| (table.clone(), json!(rows)))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        if !self.pending.is_empty() {
            let pending = self.pending.iter();
            value["pending"] = pending
                .map(|(component, migration)| {
                    json!({
                        "component": component.name, "version": migration.version,
                        "name": migration.name, "sql": migration.up,
                    })
                })
                .collect();
        }
        value
    }
}
