//! What is stored, and what is made of it.

use bytes::Bytes;
use store_compression::{Compression, MAX_OVERHEAD_BYTES};
use store_conformance::noise;
use store_core::layer::ValueTransform as _;
use store_core::{ErrorKind, Key, Result};

fn key() -> Key {
    Key::new("comics:1").expect("a key")
}

fn json(bytes: usize) -> Bytes {
    let items = (0..).map(|n| format!(r#"{{"id":{n},"name":"Saga #{n}"}},"#));
    let mut text: Vec<u8> = items
        .take(bytes / 16 + 1)
        .flat_map(String::into_bytes)
        .collect();
    text.truncate(bytes);
    text.into()
}

#[test]
fn every_value_comes_back_whatever_the_options_are_then() -> Result<()> {
    let lengths = [0, 1, 149, 150, 4_096, 1 << 20];
    let levels = [1, 3, 19];
    for value in lengths.into_iter().flat_map(|len| [json(len), noise(len)]) {
        for level in levels {
            let compression = Compression::default().with_level(level);
            let stored = compression.encode(&key(), value.clone())?;
            assert!(stored.len() <= value.len() + MAX_OVERHEAD_BYTES);
            let other = Compression::default().with_min_bytes(1 << 30);
            assert_eq!(other.decode(&key(), stored)?, value);
        }
    }
    Ok(())
}

#[test]
fn text_of_two_kilobytes_is_three_times_smaller() -> Result<()> {
    let stored = Compression::default().encode(&key(), json(2_048))?;
    assert!(stored.len() * 3 < 2_048, "{}", stored.len());
    Ok(())
}

#[test]
fn short_values_and_those_beyond_the_bound_are_stored_as_they_are() -> Result<()> {
    let compression = Compression::default().with_max_bytes(1_000);
    for len in [149, 1_001] {
        let stored = compression.encode(&key(), json(len))?;
        assert_eq!(stored.slice(1..), json(len));
        assert_eq!(compression.decode(&key(), stored)?, json(len));
    }
    Ok(())
}

#[test]
fn a_frame_that_claims_more_than_the_bound_is_refused() -> Result<()> {
    let bomb = Bytes::from(vec![0; 1 << 20]);
    let stored = Compression::default().encode(&key(), bomb)?;
    assert!(stored.len() < 1_000);
    let bounded = Compression::default().with_max_bytes(1_000);
    let refused = bounded.decode(&key(), stored).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Corrupt));
    Ok(())
}

#[test]
fn damage_of_a_frame_is_noticed() -> Result<()> {
    let compression = Compression::default();
    let value = json(2_048);
    let stored = compression.encode(&key(), value.clone())?;
    for bit in 0..stored.len() * 8 {
        let mut changed = stored.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        // A bit of the header may mean nothing.
        if let Ok(decoded) = compression.decode(&key(), changed.into()) {
            assert_eq!(decoded, value, "bit {bit}");
        }
    }
    for len in 0..stored.len() {
        let cut = compression.decode(&key(), stored.slice(..len));
        assert!(cut.is_err(), "{len} bytes");
    }
    Ok(())
}
