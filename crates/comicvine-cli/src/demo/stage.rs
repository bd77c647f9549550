//! The server that the demo plays against: what it holds, and the limits it enforces.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use comicvine_client::{ApiKey, ComicVine, ResourceKind};
use comicvine_fake::{FakeServer, Limits};
use store_core::SECOND;

use crate::demo::plan::Holding;
use crate::demo::{KEY, PATH_LIMIT, SPACING, WINDOW};
use crate::failure::Failure;

/// How long an answer of the server takes.
const LATENCY: Duration = Duration::from_millis(15);

/// Starts the server, as yet without limits.
pub(super) async fn start_server(responses: Option<&Path>) -> Result<FakeServer, Failure> {
    let mut builder = FakeServer::builder()
        .limits(Limits::unlimited())
        // A machine that stalls for a moment lets requests arrive closer together than they were
        // sent. The real API would not say how long it is cross; this one does.
        .retry_after(SECOND)
        .accept_key(KEY);
    if let Some(folder) = responses {
        builder = builder.recordings(folder);
    }
    builder.start().await.map_err(|error| {
        Failure::setting(error).with_help(
            "--responses names a folder of recorded responses, *.json as the API sent them",
        )
    })
}

/// Looks through all that the server holds.
pub(super) async fn survey(server: &FakeServer) -> Result<Vec<Holding>, Failure> {
    let comics = ComicVine::builder(ApiKey::new(KEY)?)
        .base_url(server.base_url())
        .build()?;
    let mut details = server.details();
    let mut held = Vec::new();
    for kind in ResourceKind::ALL {
        let own = details
            .iter_mut()
            .find(|(path, _)| path == kind.detail_path());
        let ids = own.map(|(_, ids)| std::mem::take(ids)).unwrap_or_default();
        let rows = comics.list(kind).limit(1).await?.value.total;
        held.push(Holding { kind, ids, rows });
    }
    Ok(held)
}

/// Forgets the survey, and enforces limits from now on.
pub(super) fn raise_limits(server: &FakeServer) {
    let limits = Limits::default()
        .with_requests(NonZeroU32::new(PATH_LIMIT).unwrap_or(NonZeroU32::MIN))
        .with_window(WINDOW)
        .with_spacing(SPACING);
    server.reset();
    server.set_limits(limits);
    server.set_latency(LATENCY);
}
