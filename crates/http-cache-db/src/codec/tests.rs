//! What all codecs promise, and what they wrote once.

use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// A body of JSON with exactly this many bytes.
fn json(len: usize) -> Vec<u8> {
    let issue =
        r#"{"id":6,"name":"Amazing Fantasy","issue_number":"15","cover_date":"1962-08-01"},"#;
    let mut body = format!("[{}", issue.repeat(len / issue.len() + 1)).into_bytes();
    body.truncate(len);
    body
}

/// Numbers that look random, the same ones in every run.
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}

fn below(number: u64, end: usize) -> usize {
    usize::try_from(number).unwrap() % end
}

fn codec(name: &str) -> Arc<dyn Codec> {
    Codecs::default().get(name).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

// covers("F65", "C6")
#[test]
fn a_json_body_is_stored_compressed_and_read_by_the_name_of_its_codec() {
    let (codecs, body) = (Codecs::default(), json(150));
    let writing = codecs.for_body(Some("application/json"), None, body.len());
    let stored = writing.compress(&body).unwrap();
    assert_eq!(writing.name(), "zstd-3");
    assert!(stored.len() < body.len(), "{} bytes", stored.len());

    let reading = codecs.get(writing.name()).unwrap();
    assert_eq!(reading.decompress(&stored, body.len()).unwrap(), body);
}

// covers("F65")
#[test]
fn damaged_or_foreign_bytes_are_an_error_and_not_a_body() {
    let body = json(1_000);
    for name in ["brotli-5", "zstd-3"] {
        let codec = codec(name);
        let mut stored = codec.compress(&body).unwrap();
        let uncompressed = codec.decompress(&body, body.len());
        assert!(uncompressed.is_err(), "{name}: {uncompressed:?}");
        assert!(codec.decompress(b"", body.len()).is_err(), "{name}");
        stored.push(0);
        assert!(codec.decompress(&stored, body.len()).is_err(), "{name}");
        stored.truncate(stored.len() - 2);
        assert!(codec.decompress(&stored, body.len()).is_err(), "{name}");
    }
}

#[test]
fn no_damaged_zstd_frame_gives_another_body() {
    let (codec, mut next) = (Zstd::default(), numbers(1));
    let mut refused = 0;
    for round in 0..20_000 {
        let body = json(150 + round % 50 * 40);
        let stored = codec.compress(&body).unwrap();
        let mut damaged = stored.clone();
        for _ in 0..=next() % 3 {
            damaged[below(next(), stored.len())] ^= 1 << (next() % 8);
        }
        match codec.decompress(&damaged, body.len()) {
            // The same bit twice, or one without a meaning.
            Ok(found) => assert_eq!(found, body),
            Err(_) => refused += 1,
        }
        assert_eq!(codec.decompress(&stored, body.len()).unwrap(), body);
    }
    assert!(refused > 19_000, "{refused}");
    assert!(codec.detects_damage());
}

#[test]
fn a_zstd_frame_without_its_checksum_is_refused() {
    let body = json(500);
    let plain = ::zstd::bulk::compress(&body, 3).unwrap();
    assert!(Zstd::default().decompress(&plain, body.len()).is_err());
}

#[test]
fn bytes_behind_a_zstd_frame_are_refused() {
    let body = json(500);
    let frame = Zstd::default().compress(&body).unwrap();
    let two = [&frame[..], &Zstd::default().compress(b"").unwrap()].concat();
    assert!(Zstd::default().decompress(&two, body.len()).is_err());
}

#[test]
fn damaged_brotli_does_not_panic() {
    let (codec, mut next) = (Brotli::default(), numbers(2));
    let body = json(600);
    let stored = codec.compress(&body).unwrap();
    for _ in 0..2_000 {
        let mut damaged = stored.clone();
        damaged[below(next(), stored.len())] ^= 1 << (next() % 8);
        if let Ok(found) = codec.decompress(&damaged, body.len()) {
            assert_eq!(found.len(), body.len());
        }
    }
    // It has no checksum that would promise more.
    assert!(!codec.detects_damage());
}

#[test]
fn another_length_is_an_error() {
    let body = json(700);
    for name in ["none", "brotli-5", "zstd-3"] {
        let codec = codec(name);
        let stored = codec.compress(&body).unwrap();
        for len in [0, 1, 699, 701, 100_000] {
            let error = codec.decompress(&stored, len).unwrap_err();
            assert!(
                matches!(error, CodecError::Length { expected, .. } if expected == len),
                "{name}, {len}: {error:?}"
            );
        }
    }
}

/// A zstd frame of 32 KiB that claims `claimed` bytes and expands to 1 GiB of zeros (RFC 8878, section 3.1.1).
fn bomb(claimed: u64) -> Vec<u8> {
    let mut frame = from_hex("28b52ffdc458");
    frame.extend(claimed.to_le_bytes());
    for _ in 1..8_192 {
        // 128 KiB of the byte that follows.
        frame.extend(from_hex("02001000"));
    }
    // The last ones, and a checksum.
    frame.extend(from_hex("0300100000000000"));
    frame
}

#[test]
fn a_zstd_frame_that_claims_or_expands_to_more_than_its_length_is_refused() {
    let codec = Zstd::default();
    for claimed in [1 << 30, 1 << 40, u64::MAX - 2] {
        let error = codec.decompress(&bomb(claimed), 1_000).unwrap_err();
        assert!(matches!(error, CodecError::Length { .. }), "{error:?}");
    }
    let error = codec.decompress(&bomb(1_000), 1_000).unwrap_err();
    assert!(matches!(error, CodecError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_brotli_stream_that_expands_to_more_than_its_length_is_refused() {
    let codec = Brotli::default();
    let zeros = vec![0; 8 * 1_024 * 1_024];
    let stored = codec.compress(&zeros).unwrap();
    assert!(stored.len() < 1_000, "{}", stored.len());
    for len in [10, 1_000, 1_000_000] {
        let error = codec.decompress(&stored, len).unwrap_err();
        assert!(matches!(error, CodecError::Length { .. }), "{error:?}");
    }
    assert_eq!(codec.decompress(&stored, zeros.len()).unwrap(), zeros);
}

// covers("C6")
#[test]
fn a_body_of_any_level_is_read_by_a_program_that_writes_another() {
    let body = json(3_000);
    for (written_by, read_by) in [("zstd-9", "zstd-3"), ("brotli-11", "brotli-0")] {
        let writer = Codecs::default().writing_with(written_by).unwrap();
        let stored = writer.writing().compress(&body).unwrap();
        let reader = Codecs::default().writing_with(read_by).unwrap();
        let found = reader.get(written_by).unwrap();
        assert_eq!(found.name(), written_by);
        assert_eq!(found.decompress(&stored, body.len()).unwrap(), body);
        assert_eq!(
            reader.writing().decompress(&stored, body.len()).unwrap(),
            body
        );
    }
}

#[test]
fn a_context_that_is_kept_uses_the_level_of_each_call() {
    let (body, small) = (json(20_000), Zstd::new(19).unwrap());
    let first = Zstd::default().compress(&body).unwrap();
    let smaller = small.compress(&body).unwrap();
    assert_ne!(first, smaller);
    assert_eq!(Zstd::default().compress(&body).unwrap(), first);
}

// covers("C6")
#[test]
fn the_codec_that_writes_is_chosen_by_name() {
    let chosen = |codecs: &Codecs| {
        let codec = codecs.for_body(Some("text/plain"), None, 1_000);
        codec.name().to_owned()
    };
    let codecs = Codecs::default();
    assert_eq!(chosen(&codecs), "zstd-3");
    for name in ["brotli-5", "zstd-9", "none"] {
        let codecs = codecs.clone().writing_with(name).unwrap();
        assert_eq!(chosen(&codecs), name);
    }
    let error = codecs.clone().writing_with("lzma").unwrap_err();
    assert_eq!(error.to_string(), "no codec is named `lzma`");
    assert_eq!(
        codecs.for_body(Some("image/png"), None, 1_000).name(),
        "none"
    );
    let encoded = codecs.for_body(Some("text/plain"), Some("gzip"), 1_000);
    assert_eq!(encoded.name(), "none");
}

#[test]
fn an_unknown_codec_is_none() {
    let codecs = Codecs::default();
    for name in [
        "",
        "zstd",
        "zstd-0",
        "zstd-23",
        "zstd-03",
        "Zstd-3",
        "brotli-12",
        "gzip-6",
    ] {
        assert!(codecs.get(name).is_none(), "{name}");
    }
}

#[test]
fn a_level_that_does_not_exist_is_refused() {
    assert!(Brotli::new(0).is_ok() && Brotli::new(11).is_ok());
    assert!(Zstd::new(1).is_ok() && Zstd::new(22).is_ok());
    let errors = [
        Brotli::new(-1).unwrap_err(),
        Brotli::new(12).unwrap_err(),
        Zstd::new(0).unwrap_err(),
        Zstd::new(23).unwrap_err(),
    ];
    assert!(
        errors
            .iter()
            .all(|error| matches!(error, CodecError::Level { .. }))
    );
    let message = "brotli has no level 12; choose one from 0 to 11";
    assert_eq!(errors[1].to_string(), message);
}

#[test]
fn codecs_introduce_themselves() {
    let about = |name| {
        let codec = codec(name);
        (codec.full_name(), codec.level())
    };
    assert_eq!(about("none"), ("Uncompressed".to_owned(), None));
    assert_eq!(about("brotli-5"), ("Brotli, quality 5".to_owned(), Some(5)));
    assert_eq!(about("zstd-3"), ("Zstandard, level 3".to_owned(), Some(3)));
    assert_eq!(Brotli::default().name(), "brotli-5");
    assert!(!Identity.detects_damage());
}

/// An application's codec: the body backwards.
#[derive(Debug)]
struct Reverse(&'static str);

impl Codec for Reverse {
    fn name(&self) -> &str {
        self.0
    }

    fn full_name(&self) -> String {
        "Reversed".to_owned()
    }

    fn level(&self) -> Option<i32> {
        None
    }

    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        Ok(body.iter().rev().copied().collect())
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        Identity.decompress(&self.compress(stored)?, len)
    }

    fn detects_damage(&self) -> bool {
        false
    }
}

// covers("C23")
#[test]
fn an_application_codec_is_used_under_its_own_name() {
    assert!(Codecs::default().get("reverse").is_none());
    let codecs = Codecs::default().with(Arc::new(Reverse("reverse")));
    assert_eq!(codecs.writing().name(), "zstd-3");
    let codecs = codecs.writing_with("reverse").unwrap();
    let body = json(200);
    let writing = codecs.for_body(Some("text/plain"), None, body.len());
    let stored = writing.compress(&body).unwrap();
    assert_eq!(stored.last(), body.first());
    let reading = codecs.get("reverse").unwrap();
    assert_eq!(reading.decompress(&stored, body.len()).unwrap(), body);
}

// covers("C23")
#[test]
fn the_last_codec_of_a_name_is_used() {
    let before = Codecs::default();
    for name in ["zstd-3", "none"] {
        let codecs = before.clone().with(Arc::new(Reverse(name)));
        assert_eq!(codecs.get(name).unwrap().full_name(), "Reversed");
        let content_type = (name == "zstd-3").then_some("text/plain");
        let used = codecs.for_body(content_type, None, 1_000);
        assert_eq!(
            (used.name(), used.full_name()),
            (name, "Reversed".to_owned())
        );
        assert_ne!(before.get(name).unwrap().full_name(), "Reversed");
    }
}

/// What earlier builds wrote must stay readable: never change these bytes.
#[test]
fn what_was_stored_once_is_read() {
    let body = json(150);
    for (name, stored) in WRITTEN {
        let found = codec(name).decompress(&from_hex(stored), body.len());
        assert_eq!(found.unwrap(), body, "{name}");
    }
    assert_eq!(hex(&body), WRITTEN[0].1);
}

/// Names, and what they made of the first 150 bytes of JSON above, in hexadecimal.
const WRITTEN: [(&str, &str); 5] = [
    (
        "none",
        "5b7b226964223a362c226e616d65223a22416d617a696e672046616e74617379222c2269737375655f6e756d626572\
         223a223135222c22636f7665725f64617465223a22313936322d30382d3031227d2c7b226964223a362c226e616d65\
         223a22416d617a696e672046616e74617379222c2269737375655f6e756d626572223a223135222c22636f7665725f\
         64617465223a223139",
    ),
    (
        "brotli-5",
        "a212008040b4735a75f32b06d26f96d9204532d04ec02107ee5f402db21c120a3c64259e09547f79ac8e46e1b43d50\
         f26e779d69762308f701aa70a1f880909fea6894b6ee5b97acf37cd104",
    ),
    (
        "brotli-11",
        "a21200b071ba625e94b0ee81b82df565051f14ab251bce4191874bd7d461e9738c03f73bbf271c61a4c14356a4c627\
         88eef9f18596b8161b8cb0e7f75c854240a886025289ce508ac142954bd75eb81c",
    ),
    (
        "zstd-3",
        "28b52ffd2496ad0200d244121a80c53a201e12e5e3c3a4a52c1293e429527d1cc439ce32097a545a7842c740875047\
         92db18e40080b9be485f87bcbcd98c678cee7a415cd99b0c4dbbc13ee4ebfcb6af6abdb91394020032057cc0aeea0c\
         7828a876",
    ),
    (
        "zstd-19",
        "28b52ffd2496a502002285121870ab0e60f26d2919d1555d580079813d9782e62557551706173d5f2a0d2a058c586f\
         efcacfcd6696e4e8c27afb6c245ae9da520a8fde50ae920d4091d0e158bcbd23cb23d6fee0ef110100524c68880278\
         28a876",
    ),
];

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![0..200_usize, 0..20_000_usize, 0..200_000_usize];
    // From a single letter to bytes that no codec makes smaller.
    (any::<u64>(), len, 1..=256_usize).prop_map(|(seed, len, letters)| {
        let mut next = numbers(seed);
        let letter = |number| u8::try_from(below(number, letters)).unwrap();
        (0..len).map(|_| letter(next())).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_body_survives(body in bodies()) {
        for name in ["none", "brotli-0", "brotli-5", "zstd-1", "zstd-3", "zstd-9"] {
            let codec = codec(name);
            let stored = codec.compress(&body).unwrap();
            prop_assert_eq!(&codec.decompress(&stored, body.len()).unwrap(), &body);
        }
    }

    #[test]
    fn a_small_body_survives_every_level(body in bodies().prop_map(|mut body| { body.truncate(2_000); body })) {
        let codecs = Codecs::default();
        for (family, levels) in [("brotli", Brotli::QUALITIES), ("zstd", Zstd::LEVELS)] {
            for level in levels {
                let codec = codecs.get(&format!("{family}-{level}")).unwrap();
                let stored = codec.compress(&body).unwrap();
                prop_assert_eq!(&codec.decompress(&stored, body.len()).unwrap(), &body);
            }
        }
    }
}
