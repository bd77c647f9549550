//! A DynamoDB table. It stores counts and no log, so the server's counts of arrivals show the windows.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use async_trait::async_trait;
use comicvine_fake::{Counts, KeyCounts};
use dynamodb_local::{ENDPOINT_VARIABLE, Emulator};
use store_core::{Random, SystemRandom, Timestamp};
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::admissions::FullestWindows;
use crate::error::Error;
use crate::output::print_notice;
use crate::settings::PATH_LIMIT;

use super::shared_store::SharedStore;

pub(super) struct Table {
    table: DynamoDbTable,
    /// The server, if the demo started it. It ends when this is dropped.
    emulator: Option<Emulator>,
}

impl Table {
    pub(super) async fn create() -> Result<Self, Error> {
        let endpoint = std::env::var(ENDPOINT_VARIABLE)
            .ok()
            .filter(|url| !url.is_empty());
        let (endpoint, emulator) = if let Some(endpoint) = endpoint {
            (endpoint, None)
        } else {
            let emulator = start_emulator().await?;
            (emulator.url().to_owned(), Some(emulator))
        };
        let name = format!("comicvine-demo-{:016x}", SystemRandom.next_u64());
        // The environment may have credentials without a region; the demo's own server takes any.
        let region = emulator.is_some().then_some("us-east-1");
        let mut options = TableOptions::default()
            .with_table(name)
            .with_endpoint_url(endpoint);
        options.region = region.map(str::to_owned);
        let spec = TableSpec::of(&options).with_index(None);
        let table = DynamoDbTable::from_env(options).await;
        create_or_verify(table.client(), &spec, &SetupOptions::default())
            .await
            .map_err(|error| {
                Error::from(error).with_help(
                    "DYNAMODB_ENDPOINT_URL names the server of the demo; unset it to have one started",
                )
            })?;
        Ok(Self { table, emulator })
    }
}

#[async_trait]
impl SharedStore for Table {
    fn worker_arguments(&self) -> Vec<OsString> {
        let options = self.table.options();
        let arguments = [
            ("--table", Some(&options.table)),
            ("--endpoint-url", options.endpoint_url.as_ref()),
            ("--region", options.region.as_ref()),
        ];
        arguments
            .into_iter()
            .filter_map(|(name, value)| Some([name.into(), value?.into()]))
            .flatten()
            .collect()
    }

    async fn observe(&mut self, _now: Timestamp) -> Result<(), Error> {
        Ok(())
    }

    fn fullest_windows(&mut self, counts: &Counts) -> FullestWindows {
        arrivals(counts)
    }

    async fn delete(self: Box<Self>) -> Result<(), Error> {
        if self.emulator.is_some() {
            // The table ends with its server.
            return Ok(());
        }
        let deletion = self.table.client().delete_table();
        let deletion = deletion.table_name(self.table.name());
        deletion.send().await.map(drop).map_err(|error| {
            Error::from(error)
                .with_help("the demo's table was not deleted; its name begins with comicvine-demo-")
        })
    }
}

/// A server on a free port, without tables. Building it first may take minutes.
async fn start_emulator() -> Result<Emulator, Error> {
    if io::stderr().is_terminal() {
        print_notice("building and starting a local DynamoDB server");
    }
    tokio::task::spawn_blocking(Emulator::start)
        .await?
        .map_err(|error| {
            Error::config(&error).with_help(
                "run the demo in a checkout of the project, or start a server, as `cargo xtask \
                 dynamodb-local` does, and name it with DYNAMODB_ENDPOINT_URL",
            )
        })
}

/// The fullest windows by arrival at the server.
fn arrivals(counts: &Counts) -> FullestWindows {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    // A refused request was one more than the window allows.
    let most = |seen: KeyCounts| count(seen.worst_window) + usize::from(seen.refused_window > 0);
    let all = counts.total();
    // On a busy machine a few requests arrive closer together than they were sent; without spacing
    // most of them do.
    let is_crowded = all.refused_spacing * 10 > all.requests();
    FullestWindows {
        paths: counts
            .paths
            .keys()
            .map(|path| (path.clone(), most(counts.path(path))))
            .collect(),
        spacing: usize::from(all.accepted > 0) + usize::from(is_crowded),
        limit: PATH_LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use comicvine_client::{ApiKey, ComicVine, Id, RawJson, ResourceKind};
    use comicvine_fake::{FakeServer, Limits};

    use super::*;
    use crate::settings::KEY;

    /// The server's counts of `requests` without a rate limiter.
    async fn seen(limits: Limits, requests: u32) -> Counts {
        let server = FakeServer::builder()
            .limits(limits)
            .accept_key(KEY)
            .start()
            .await
            .unwrap();
        for id in 1..=requests {
            let comics = ComicVine::builder(ApiKey::new(KEY).unwrap())
                .base_url(server.base_url())
                .build()
                .unwrap();
            // The server counts it, whatever the answer.
            let _ = comics
                .get::<RawJson>(ResourceKind::Power, Id::new(id.into()))
                .await;
        }
        let counts = server.counts();
        server.stop().await;
        counts
    }

    #[tokio::test]
    async fn full_window_is_seen_and_one_more_is_too() {
        let limit = NonZeroU32::new(PATH_LIMIT).unwrap();
        let limits = Limits::unlimited().with_requests(limit);
        let full = arrivals(&seen(limits, PATH_LIMIT).await);
        assert_eq!((full.paths["power"], full.spacing), (25, 1));
        let over = arrivals(&seen(limits, PATH_LIMIT + 1).await);
        assert_eq!(over.paths["power"], 26);
    }

    #[tokio::test]
    async fn requests_without_distance_are_seen() {
        let limits = Limits::unlimited().with_spacing(Duration::from_mins(1));
        assert_eq!(arrivals(&seen(limits, 1).await).spacing, 1);
        assert_eq!(arrivals(&seen(limits, 5).await).spacing, 2);
    }
}
