//! Waiting for a table to be ready.

use std::time::Duration;

use aws_sdk_dynamodb::Client;

use super::existing::{ExistingTable, describe};
use super::{Progress, SetupError, SetupOptions};
use crate::ops::AdaptiveDelayCalculator;

/// The waits between two looks at the table, which takes some seconds.
pub(super) fn looks() -> AdaptiveDelayCalculator {
    AdaptiveDelayCalculator::new(Duration::from_millis(50), Duration::from_secs(2))
}

/// Waits until the table and its indexes can be used.
pub(super) async fn until_ready(
    client: &Client,
    table: &str,
    options: &SetupOptions,
) -> Result<(), SetupError> {
    let clock = &options.clock;
    let begun = clock.monotonic();
    let mut looks = looks();
    loop {
        // A table that was just created may not be seen yet.
        let status = match describe(client, table).await? {
            Some(found) => ExistingTable::from(found).unready,
            None => Some("CREATING".to_owned()),
        };
        let Some(status) = status else {
            return Ok(());
        };
        let waited = clock.monotonic().saturating_sub(begun);
        if waited >= options.ready_timeout {
            return Err(SetupError::NotActive {
                table: table.to_owned(),
                status,
                waited,
            });
        }
        options.notify(&Progress::Waiting { status, waited });
        clock.sleep(looks.lengthened()).await;
    }
}
