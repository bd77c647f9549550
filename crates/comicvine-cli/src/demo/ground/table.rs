//! A DynamoDB table. It keeps counts rather than a log, so the windows are counted where requests
//! arrive, which is what the limits are about.

use std::ffi::OsString;

use async_trait::async_trait;
use comicvine_fake::{Counts, KeyCounts};
use store_core::{Random, SystemRandom, Timestamp};
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{DynamoDbTable, TableOptions};
use url::form_urlencoded;

use super::Ground;
use super::emulator::Emulator;
use crate::demo::PATH_LIMIT;
use crate::demo::audit::Worst;
use crate::failure::Failure;

/// The server to use, if one runs already.
const ENDPOINT_VARIABLE: &str = "DYNAMODB_ENDPOINT_URL";

pub(super) struct Table {
    shared: DynamoDbTable,
    url: String,
    /// The server, if it is the demo's own.
    emulator: Option<Emulator>,
}

impl Table {
    pub(super) async fn make() -> Result<Self, Failure> {
        let endpoint = std::env::var(ENDPOINT_VARIABLE)
            .ok()
            .filter(|url| !url.is_empty());
        let (endpoint, emulator) = if let Some(endpoint) = endpoint {
            (endpoint, None)
        } else {
            let emulator = Emulator::start().await?;
            (emulator.url().to_owned(), Some(emulator))
        };
        let name = format!("comicvine-demo-{:016x}", SystemRandom.next_u64());
        // A server of the demo's own is in whatever region it is asked in; the environment may name
        // credentials and none.
        let region = emulator.is_some().then_some("us-east-1");
        let url = address(&name, &endpoint, region);
        let mut options = TableOptions::default()
            .with_table(name)
            .with_endpoint_url(endpoint);
        options.region = region.map(str::to_owned);
        let spec = TableSpec::of(&options).with_index(None);
        let table = DynamoDbTable::from_env(options).await;
        create_or_verify(table.client(), &spec, &SetupOptions::default())
            .await
            .map_err(|error| {
                Failure::failed(error).with_help(
                    "DYNAMODB_ENDPOINT_URL names the server of the demo; unset it to have one started",
                )
            })?;
        Ok(Self {
            shared: table,
            url,
            emulator,
        })
    }
}

#[async_trait]
impl Ground for Table {
    fn arguments(&self) -> Vec<OsString> {
        vec!["--store".into(), self.url.clone().into()]
    }

    async fn look(&mut self, _now: Timestamp) -> Result<(), Failure> {
        Ok(())
    }

    fn worst(&mut self, counts: &Counts) -> Worst {
        arrivals(counts)
    }

    async fn clear(self: Box<Self>) -> Result<(), Failure> {
        let table = self.shared;
        let gone = table.client().delete_table().table_name(table.name());
        match (gone.send().await, self.emulator) {
            // The table is gone with its server.
            (_, Some(emulator)) => emulator.stop().await,
            (Ok(_), None) => Ok(()),
            (Err(error), None) => Err(Failure::failed(error).with_help(
                "the table of the demo is left over; its name begins with comicvine-demo-",
            )),
        }
    }
}

/// The table as workers are told of it.
fn address(table: &str, endpoint: &str, region: Option<&str>) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("endpoint", endpoint)
        .extend_pairs(region.map(|region| ("region", region)))
        .finish();
    format!("dynamodb://{table}?{query}")
}

/// The fullest windows as the server saw them.
fn arrivals(counts: &Counts) -> Worst {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    // A request that found its window full was one more than fits.
    let most = |seen: KeyCounts| count(seen.worst_window) + usize::from(seen.refused_window > 0);
    let all = counts.total();
    // A machine that stalls for a moment lets a few requests arrive closer together than they were
    // sent; a limiter that keeps no distance lets most of them.
    let is_crowded = all.refused_spacing * 10 > all.requests();
    Worst {
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

    use comicvine_client::{ApiKey, ComicVine, Id, ResourceKind};
    use comicvine_fake::{FakeServer, Limits};

    use super::*;
    use crate::demo::KEY;

    /// What a server sees of `requests` that nobody holds back.
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
            // What becomes of it is what the server counts.
            let _ = comics.get(ResourceKind::Power, Id::new(id.into())).await;
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
