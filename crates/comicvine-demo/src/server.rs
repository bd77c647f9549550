//! The API server of the demo: its contents and its limits.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use comicvine_client::{ApiKey, Budget, ComicVine, RawJson, ResourceKind};
use comicvine_fake::{FakeServer, Limits};
use store_core::SECOND;

use crate::error::Error;
use crate::plan::Inventory;
use crate::settings::{KEY, PATH_LIMIT, SPACING, WINDOW};

/// How long the server takes to answer.
const LATENCY: Duration = Duration::from_millis(15);

/// Starts the server, without limits at first.
pub(crate) async fn start(responses: Option<&Path>) -> Result<FakeServer, Error> {
    let mut builder = FakeServer::builder()
        .limits(Limits::unlimited())
        // A machine that stalls for a moment lets requests arrive closer together than they were
        // sent. The real API does not say how long it then refuses requests; this one does.
        .retry_after(SECOND)
        .accept_key(KEY);
    if let Some(folder) = responses {
        builder = builder.recordings(folder);
    }
    builder.start().await.map_err(|error| {
        Error::config(&error).with_help(
            "--responses names a folder of recorded responses, *.json as the API sent them",
        )
    })
}

/// Lists everything that the server has.
pub(crate) async fn inventory(server: &FakeServer) -> Result<Vec<Inventory>, Error> {
    let comics = ComicVine::builder(ApiKey::new(KEY)?)
        .base_url(server.base_url())
        // The limits of the server are not enforced yet.
        .budget(Budget::default().with_spacing(Duration::ZERO))
        .build()?;
    let mut details = server.detail_ids();
    let mut inventory = Vec::new();
    for kind in ResourceKind::ALL {
        let entry = details
            .iter_mut()
            .find(|(path, _)| path == kind.detail_path());
        let ids = entry
            .map(|(_, ids)| std::mem::take(ids))
            .unwrap_or_default();
        let rows = comics.list::<RawJson>(kind).limit(1).await?.value.total;
        inventory.push(Inventory { kind, ids, rows });
    }
    Ok(inventory)
}

/// Resets the server's counters and enforces the limits from now on.
pub(crate) fn enforce_limits(server: &FakeServer) {
    let limits = Limits::default()
        .with_requests(NonZeroU32::new(PATH_LIMIT).unwrap_or(NonZeroU32::MIN))
        .with_window(WINDOW)
        .with_spacing(SPACING);
    server.reset();
    server.set_limits(limits);
    server.set_latency(LATENCY);
}
