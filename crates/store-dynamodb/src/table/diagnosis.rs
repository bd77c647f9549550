//! Why a table refuses requests that are well-formed: it may be another one than the stores need.

use std::sync::atomic::{AtomicBool, Ordering};

use store_core::{Error, ErrorKind};

use super::Requests;
use crate::error::{BACKEND, Cancellation, Failure};
use crate::setup::{keys, keys_of};

/// Whether the table's keys were seen to be the right ones; then nothing is asked again.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    is_right: AtomicBool,
}

impl Requests<'_> {
    /// What a failure comes from, if it comes from keys that are called otherwise, and else the
    /// failure itself.
    pub(super) async fn diagnosed(self, failure: Failure) -> Failure {
        let (name, diagnosis) = (self.table.name(), &self.table.shared.diagnosis);
        let is_suspect = match &failure {
            Failure::Error(error) => error.kind() == ErrorKind::InvalidInput,
            Failure::Cancelled(reasons) => reasons.iter().any(
                |reason| matches!(reason, Cancellation::Other(code) if code == "ValidationError"),
            ),
            Failure::Refused(_) | Failure::Conflict => false,
        };
        if !is_suspect || diagnosis.is_right.load(Ordering::Relaxed) {
            return failure;
        }
        let described = self.table.client().describe_table().table_name(name);
        // Whoever may not look is left with what the service said.
        let Some(table) = described.send().await.ok().and_then(|answer| answer.table) else {
            return failure;
        };
        let names = &self.table.options().names;
        let wanted = keys(&names.partition_key, Some(&names.sort_key));
        let found = keys_of(table.key_schema());
        if found == wanted {
            diagnosis.is_right.store(true, Ordering::Relaxed);
            return failure;
        }
        Error::new(ErrorKind::SchemaMissing, BACKEND, self.operation)
            .with_detail(format!(
                "table {name} has the keys {found}, the stores need {wanted}; use another table or set \
                 its key names, and see `comicvine table plan --table {name}`"
            ))
            .into()
    }
}
