//! The place in a list or a search where the next page begins.

use serde::{Deserialize, Serialize};

/// The place where the next page begins ([`Page::next`](crate::Page::next)): kept in a file or a message, it lets the
/// same request go on later, in another process too.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let limits = comicvine_fake::Limits::unlimited();
/// # let server = comicvine_fake::FakeServer::builder().limits(limits).start().await?;
/// # let client = comicvine_client::ComicVine::builder(comicvine_client::ApiKey::new("key")?)
/// #     .base_url(server.base_url())
/// #     .budget(comicvine_client::Budget::default().with_spacing(std::time::Duration::ZERO))
/// #     .build()?;
/// use comicvine_client::Position;
///
/// let first = client.issues().await?.value;
/// let kept = serde_json::to_string(&first.next)?;
///
/// let next: Option<Position> = serde_json::from_str(&kept)?;
/// if let Some(next) = next {
///     let second = client.issues().resume_at(next).await?.value;
///     assert_eq!(second.offset, 100);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The number of earlier requests, of a list of ids that takes several.
    #[serde(default)]
    pub(super) part: usize,
    /// The number of rows before it; lists page by this.
    pub(super) offset: u64,
    /// The number of the page, from 1; searches page by this.
    #[serde(rename = "page")]
    pub(super) number: u64,
}

impl Position {
    pub(super) const FIRST: Self = Self {
        part: 0,
        offset: 0,
        number: 1,
    };

    /// The number of rows before it. Of a list of more than 100 ids: within the hundred that it is in.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.offset
    }

    /// The place behind a page with so many rows.
    pub(super) const fn after_page(self, received: u64) -> Self {
        Self {
            offset: self.offset.saturating_add(received),
            number: self.number.saturating_add(1),
            ..self
        }
    }

    /// The beginning of the next request.
    pub(super) const fn next_part(self) -> Self {
        Self {
            part: self.part.saturating_add(1),
            ..Self::FIRST
        }
    }
}
