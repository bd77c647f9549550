//! `Accept-Encoding`: gzip for those who ask for it, and for nobody else.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY};

use crate::response::HttpResponse;

/// The coding of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentCoding {
    Identity,
    Gzip,
}

impl ContentCoding {
    /// The coding that a request asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(weighted);
        let mut other = Self::Identity;
        for (name, coding) in accepted {
            match name {
                // The name wins over `*`, wherever it stands.
                "gzip" | "x-gzip" => return coding,
                "*" => other = coding,
                _ => {}
            }
        }
        other
    }

    /// The response in this coding. An empty body has none.
    pub(crate) fn encode(self, response: HttpResponse) -> HttpResponse {
        let (mut head, body) = response.into_parts();
        head.headers
            .insert(VARY, HeaderValue::from_static("accept-encoding"));
        let body = body.mapped(|plain| match self {
            Self::Gzip if !plain.is_empty() => {
                // Writing to a vector does not fail.
                let Ok(coded) = gzip(&plain) else {
                    return plain;
                };
                head.headers
                    .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                coded
            }
            Self::Gzip | Self::Identity => plain,
        });
        HttpResponse::from_parts(head, body)
    }
}

/// The name of a coding, and gzip if its weight is above zero: `gzip;q=0.5`.
fn weighted(coding: &str) -> (&str, ContentCoding) {
    let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
    let weight = parameters.trim().strip_prefix("q=");
    let is_zero = weight.is_some_and(|weight| weight.trim().parse() == Ok(0.0_f32));
    let coding = if is_zero {
        ContentCoding::Identity
    } else {
        ContentCoding::Gzip
    };
    (name.trim(), coding)
}

fn gzip(plain: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> ContentCoding {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, value.parse().unwrap());
        }
        ContentCoding::of(&headers)
    }

    #[test]
    fn gzip_is_for_those_who_ask() {
        for values in [
            &["gzip"][..],
            &["gzip, deflate, br"],
            &["br;q=1.0, gzip;q=0.2"],
            &["deflate", "x-gzip"],
            &["*"],
            &["*;q=0, gzip"],
        ] {
            assert_eq!(of(values), ContentCoding::Gzip, "{values:?}");
        }
    }

    #[test]
    fn nobody_else_gets_it() {
        for values in [
            &[][..],
            &[""],
            &["identity"],
            &["br, deflate"],
            &["gzip;q=0"],
            &["gzip; q=0.0, *"],
            &["*;q=0"],
            &["gzipped"],
        ] {
            assert_eq!(of(values), ContentCoding::Identity, "{values:?}");
        }
    }
}
