//! The size of one batch of writes.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, WriteRequest};

/// The limits of one `BatchWriteItem`: puts and deletes, and bytes on the wire.
pub(crate) const MOST_WRITES: usize = 25;
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a request beside its writes: the table name and options.
const ENVELOPE_BYTES: usize = 4 * 1024;

/// The number of leading writes that fit into one `BatchWriteItem`, given their sizes on the wire in bytes.
///
/// The limits are 25 writes and 16 MB of JSON, in which a binary value is a third longer than in the table. The
/// first write always counts, even if it is too long by itself: the service decides then.
///
/// ```
/// use store_dynamodb::ops::calculate_optimal_batch_size;
///
/// assert_eq!(calculate_optimal_batch_size([1_000; 60]), 25);
/// assert_eq!(calculate_optimal_batch_size([3 * 1024 * 1024; 10]), 5);
/// assert_eq!(calculate_optimal_batch_size([]), 0);
/// ```
#[must_use]
pub fn calculate_optimal_batch_size(sizes: impl IntoIterator<Item = usize>) -> usize {
    let mut bytes = ENVELOPE_BYTES;
    let fits = |(index, size): &(usize, usize)| {
        bytes = bytes.saturating_add(*size);
        *index == 0 || bytes <= MOST_BYTES
    };
    let sizes = sizes.into_iter().take(MOST_WRITES).enumerate();
    sizes.take_while(fits).count()
}

/// Upper bound of a write's size on the wire.
pub(crate) fn sent_bytes(request: &WriteRequest) -> usize {
    // `{"DeleteRequest":{"Key":…}},`
    const AROUND: usize = 32;
    let put = request.put_request.as_ref().map(|put| &put.item);
    let delete = request.delete_request.as_ref().map(|delete| &delete.key);
    AROUND + put.into_iter().chain(delete).map(map_bytes).sum::<usize>()
}

fn map_bytes(map: &HashMap<String, AttributeValue>) -> usize {
    // `"name":value,`
    let parts = map
        .iter()
        .map(|(name, value)| text_bytes(name) + 2 + value_bytes(value));
    2 + parts.sum::<usize>()
}

fn value_bytes(value: &AttributeValue) -> usize {
    // `{"NULL":…}`
    const AROUND: usize = 9;
    let texts = |texts: &[String]| texts.iter().map(|it| text_bytes(it) + 1).sum::<usize>() + 2;
    AROUND
        + match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text_bytes(text),
            AttributeValue::B(blob) => blob_bytes(blob.as_ref()),
            AttributeValue::Ss(all) | AttributeValue::Ns(all) => texts(all),
            AttributeValue::Bs(all) => {
                let blobs = all.iter().map(|it| blob_bytes(it.as_ref()) + 1);
                blobs.sum::<usize>() + 2
            }
            AttributeValue::M(map) => map_bytes(map),
            AttributeValue::L(list) => list.iter().map(|it| value_bytes(it) + 1).sum::<usize>() + 2,
            // `true`, `false`, and what future services know.
            AttributeValue::Bool(_) | AttributeValue::Null(_) | _ => 5,
        }
}

/// Base64 between quotes.
fn blob_bytes(blob: &[u8]) -> usize {
    blob.len().div_ceil(3) * 4 + 2
}

/// JSON between quotes.
fn text_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::PutRequest;

    use super::*;

    const MEBIBYTE: usize = 1024 * 1024;

    // covers("B14")
    #[test]
    fn batches_end_at_25_writes_or_16_megabytes() {
        let of = |sizes: &[usize]| calculate_optimal_batch_size(sizes.iter().copied());
        assert_eq!(of(&[0; 24]), 24);
        assert_eq!(of(&[0; 25]), 25);
        assert_eq!(of(&[0; 26]), 25);
        assert_eq!(of(&[8 * MEBIBYTE; 2]), 1, "the envelope needs room too");
        assert_eq!(of(&[8 * MEBIBYTE - ENVELOPE_BYTES / 2; 2]), 2);
        assert_eq!(of(&[MEBIBYTE, usize::MAX, 1]), 1);
    }

    #[test]
    fn a_write_that_is_too_long_goes_alone() {
        assert_eq!(calculate_optimal_batch_size([17 * MEBIBYTE, 1]), 1);
    }

    fn put(value: AttributeValue) -> WriteRequest {
        let put = PutRequest::builder().item("v", value).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    }

    #[test]
    fn sizes_are_those_of_the_json_that_is_sent() {
        let base64 = 300_usize.div_ceil(3) * 4;
        let nested = AttributeValue::L(vec![
            AttributeValue::M(HashMap::from([(
                "n".to_owned(),
                AttributeValue::N("1".to_owned()),
            )])),
            AttributeValue::Null(true),
        ]);
        for (value, sent) in [
            (
                AttributeValue::S("é\"\n".to_owned()),
                r#"{"S":"é\"\u000a"}"#.len(),
            ),
            (
                AttributeValue::B(Blob::new(vec![7; 300])),
                base64 + r#"{"B":""}"#.len(),
            ),
            (
                AttributeValue::Ns(vec!["1".to_owned(); 1]),
                r#"{"NS":["1"]}"#.len(),
            ),
            (
                AttributeValue::Bs(vec![Blob::new("abc")]),
                r#"{"BS":["YWJj"]}"#.len(),
            ),
            (
                nested,
                r#"{"L":[{"M":{"n":{"N":"1"}}},{"NULL":true}]}"#.len(),
            ),
        ] {
            let whole = r#"{"PutRequest":{"Item":{"v":}}},"#.len() + sent;
            let told = sent_bytes(&put(value.clone()));
            assert!(told >= whole, "{value:?}: {told} < {whole}");
            assert!(told <= whole + 40, "{value:?}: {told} > {whole}");
        }
    }
}
