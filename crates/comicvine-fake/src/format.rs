//! The format of a response: `format=json`, `jsonp` or `xml`.

use bytes::Bytes;
use comicvine_client::xml::{self, Rows};
use hyper::StatusCode;

use crate::envelope::ApiStatus;
use crate::error_pages;
use crate::query::Params;
use crate::response::{self, HttpResponse};
use crate::router::Target;

/// The requested format. `json` is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format<'a> {
    Json,
    /// With the name of the callback.
    Jsonp(&'a str),
    Xml,
}

impl<'a> Format<'a> {
    /// The format of a normal response.
    ///
    /// # Errors
    /// [`ApiStatus::CallbackMissing`] if `jsonp` has no valid `json_callback`.
    pub(crate) fn of(params: &'a Params) -> Result<Self, ApiStatus> {
        match params.get("format") {
            Some("jsonp") => params
                .get("json_callback")
                .filter(|callback| is_callback(callback))
                .map(Self::Jsonp)
                .ok_or(ApiStatus::CallbackMissing),
            Some("xml") => Ok(Self::Xml),
            Some(_) | None => Ok(Self::Json),
        }
    }

    /// The format of an error: the requested one, if it can be had.
    pub(crate) fn of_error(params: &'a Params) -> Self {
        Self::of(params).unwrap_or(Self::Json)
    }

    /// The response with this JSON body in the format.
    pub(crate) fn response(self, status: StatusCode, body: Bytes, target: Target) -> HttpResponse {
        match self {
            Self::Json => response::json(status, body),
            Self::Jsonp(callback) => {
                let script = [callback.as_bytes(), b"(", &body, b")"].concat();
                response::javascript(status, Bytes::from(script))
            }
            Self::Xml => match xml::from_json(&body, rows(target)) {
                Ok(xml) => response::xml(status, Bytes::from(xml)),
                // Not reached: every body is JSON.
                Err(_) => response::html(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    error_pages::INTERNAL_ERROR,
                ),
            },
        }
    }
}

fn is_callback(name: &str) -> bool {
    name.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "_$.[]".contains(letter))
}

fn rows(target: Target) -> Rows {
    match target {
        Target::List(kind) => kind.spec().detail.parse().map_or(Rows::Search, Rows::Of),
        Target::Types => Rows::Types,
        Target::Detail(..)
        | Target::Search
        | Target::EmptyList
        | Target::NotFound
        | Target::BadPath => Rows::Search,
    }
}
