//! Waiting for a table to be ready.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use store_core::Clock;

use super::existing::{ExistingTable, describe};
use super::{Progress, SetupError, SetupOptions};

/// The first wait between two looks at the table, and the longest; a table takes some seconds.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// The next wait between two looks; each is twice as long as the one before.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST_LOOK)
    }
}

impl Pause {
    pub(super) async fn wait(&mut self, clock: &dyn Clock) {
        clock.sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_LOOK);
    }
}

/// Waits until the table and its indexes can be used.
pub(super) async fn until_ready(
    client: &Client,
    table: &str,
    options: &SetupOptions,
) -> Result<(), SetupError> {
    let clock = &options.clock;
    let begun = clock.monotonic();
    let mut pause = Pause::default();
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
        pause.wait(&**clock).await;
    }
}
