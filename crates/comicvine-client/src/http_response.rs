//! An HTTP response, read to its end.

use bytes::Bytes;
use reqwest::header::HeaderMap;

/// An HTTP response of any status.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}
