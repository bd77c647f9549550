//! Everything that reads what others wrote, by the name of its folder in the corpus.

use std::hint::black_box;

use http::header::REFERER;
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_cache_db::codec::Codecs;
use http_cache_db::fields::{
    CacheControl, ContentRange, EntityTag, RangeField, RequestFields, ResponseFields,
    TargetedFields, list_members, parse_date, parse_dictionary, parse_string_list,
};
use http_cache_db::policy::{RequestHead, SearchVariation, VariantKey};
use http_cache_db::record::{
    BodyContentRecord, BodyRecord, CacheValidationRecord, CompressionProcessRecord,
    HeaderNameRecord, HeaderPairRecord, RequestRecord, ResponseRecord, UrlRecord, Validation,
};
use http_cache_db::{Redaction, Salt, Timestamp};
use serde::de::DeserializeOwned;

/// A parser, and the length of the inputs that its work is measured with.
#[derive(Clone, Copy)]
pub(crate) struct Parser {
    pub(crate) name: &'static str,
    pub(crate) parse: fn(&[u8]),
    pub(crate) base_bytes: usize,
}

const KIB: usize = 1 << 10;

const fn parser(name: &'static str, parse: fn(&[u8])) -> Parser {
    let base_bytes = 64 * KIB;
    Parser {
        name,
        parse,
        base_bytes,
    }
}

pub(crate) const PARSERS: [Parser; 15] = [
    parser("cache_control", |bytes| {
        black_box(CacheControl::parse(&latin1(bytes)));
    }),
    parser("dictionary", |bytes| {
        let text = latin1(bytes);
        black_box((parse_dictionary(&text), CacheControl::parse_targeted(&text)));
        black_box(parse_string_list(&text));
        if let Some(variation) = SearchVariation::parse(&text) {
            black_box(variation.simplified(&text));
        }
    }),
    parser("list", |bytes| {
        black_box(list_members(&latin1(bytes)).count());
    }),
    parser("date", |bytes| {
        black_box((parse_date(&latin1(bytes)), parse_date(&utf8(bytes))));
    }),
    parser("range", |bytes| {
        let text = latin1(bytes);
        if let RangeField::Single(range) = RangeField::parse(&text) {
            black_box(range.within(u64::MAX));
        }
    }),
    parser("content_range", |bytes| {
        black_box(ContentRange::parse(&latin1(bytes)).map(ContentRange::len));
    }),
    parser("entity_tag", |bytes| {
        let tag = EntityTag::new(latin1(bytes));
        black_box((
            tag.is_strong(),
            tag.matches_weakly(&tag),
            tag.matches_strongly(&tag),
        ));
    }),
    parser("request_fields", |bytes| {
        black_box(RequestFields::parse(&headers(bytes)));
    }),
    parser("response_fields", |bytes| {
        black_box(ResponseFields::parse(&headers(bytes), TargetedFields::Cdn));
    }),
    Parser {
        // No target is longer than 64 KiB.
        base_bytes: 15 * KIB,
        ..parser("request_target", |bytes| {
            let Ok(target) = Uri::try_from(bytes) else {
                return;
            };
            let redaction = Redaction::default();
            black_box(redaction.of(&target));
            // Among the fields is one that repeats all secrets but for their ends.
            let others = String::from_utf8_lossy(bytes).replace("abcdef", "abcdeg");
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::try_from(others).map(|value| (REFERER, value)));
            let request = RequestHead::new(Method::GET, target, headers);
            black_box(redaction.request_fields(&request));
        })
    },
    parser("url", |bytes| {
        if let Ok(url) = UrlRecord::parse(&utf8(bytes), Timestamp::default()) {
            black_box(Validation::default().check(&url).is_ok());
        }
    }),
    parser("variant_key", |bytes| {
        black_box(VariantKey::from_bytes(bytes, Salt::from_bytes([7; 16])));
    }),
    parser("zstd", |bytes| decompress("zstd-3", bytes)),
    parser("brotli", |bytes| decompress("brotli-5", bytes)),
    parser("record", records),
];

/// Bodies of the lengths that a row could claim.
fn decompress(codec: &str, bytes: &[u8]) {
    let codec = Codecs::default().get(codec).expect("a codec");
    for len in [0, bytes.len(), 1 << 20] {
        if let Ok(body) = codec.decompress(bytes, len) {
            assert_eq!(body.len(), len);
        }
    }
}

fn records(bytes: &[u8]) {
    fn read<R: DeserializeOwned>(bytes: &[u8]) {
        black_box(serde_json::from_slice::<R>(bytes).is_ok());
    }
    read::<UrlRecord>(bytes);
    read::<RequestRecord>(bytes);
    read::<ResponseRecord>(bytes);
    read::<BodyRecord>(bytes);
    read::<BodyContentRecord>(bytes);
    read::<HeaderNameRecord>(bytes);
    read::<HeaderPairRecord>(bytes);
    read::<CacheValidationRecord>(bytes);
    read::<CompressionProcessRecord>(bytes);
}

/// A character for each byte, as fields are read.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Two lines of each field that is read. What no field can have is left out.
fn headers(bytes: &[u8]) -> HeaderMap {
    let bytes: Vec<_> = bytes
        .iter()
        .copied()
        .filter(|byte| *byte >= b' ' && *byte != 0x7F)
        .collect();
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(&bytes).expect("a value");
    for name in [
        "age",
        "cache-control",
        "cdn-cache-control",
        "content-language",
        "content-range",
        "date",
        "etag",
        "expires",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "last-modified",
        "pragma",
        "range",
        "vary",
    ] {
        headers.append(name, value.clone());
        headers.append(name, value.clone());
    }
    headers
}
