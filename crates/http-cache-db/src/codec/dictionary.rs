//! Zstandard with a dictionary, for short bodies that resemble each other.

use std::fmt;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};
use zstd::zstd_safe::{CDict, DDict};

use super::{Codec, CodecError, frame};

/// The bytes of the hash that names a dictionary.
const ID_BYTES: usize = 16;
const SEPARATOR: &str = "-dict-";

/// What bodies of one host have in common. Its name is a hash of its content, so that it means the same in every file.
pub(crate) struct Dictionary {
    id: String,
    content: Vec<u8>,
    decoder: DDict<'static>,
}

impl Dictionary {
    /// The dictionary with this content; `None` if it is none.
    pub(crate) fn new(content: Vec<u8>) -> Option<Self> {
        let id = Self::id_of(&content);
        let decoder = DDict::try_create(&content)?;
        Some(Self {
            id,
            content,
            decoder,
        })
    }

    /// The name of a content.
    pub(crate) fn id_of(content: &[u8]) -> String {
        let hash = Sha256::digest(content);
        let mut id = String::with_capacity(2 * ID_BYTES);
        for byte in hash.iter().take(ID_BYTES) {
            // Writing to a string does not fail.
            let _ = write!(id, "{byte:02x}");
        }
        id
    }

    /// A dictionary of at most `max_bytes` for bodies like the `samples`; `None` if they are too few or too different.
    pub(crate) fn train(samples: &[Vec<u8>], max_bytes: usize) -> Option<Self> {
        let content = zstd::dict::from_samples(samples, max_bytes).ok()?;
        Self::new(content)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The codec `zstd-N-dict-ID`: level `N` with the dictionary `ID`. Any level reads what another wrote.
///
/// It has no checksum.
pub(crate) struct ZstdDictionary {
    level: i32,
    name: String,
    dictionary: Arc<Dictionary>,
    /// Made for the first body, because most are only read.
    encoder: OnceLock<Option<CDict<'static>>>,
}

impl ZstdDictionary {
    pub(crate) fn new(level: i32, dictionary: Arc<Dictionary>) -> Self {
        Self {
            level,
            name: Self::name_of(level, &dictionary.id),
            dictionary,
            encoder: OnceLock::new(),
        }
    }

    /// The name of the codec with a level and a dictionary.
    pub(crate) fn name_of(level: i32, id: &str) -> String {
        format!("zstd-{level}{SEPARATOR}{id}")
    }

    /// The level and the dictionary that the name of a codec says; `None` if it is another codec's.
    pub(crate) fn parse_name(name: &str) -> Option<(i32, &str)> {
        let (level, id) = name.strip_prefix("zstd-")?.split_once(SEPARATOR)?;
        Some((level.parse().ok()?, id))
    }

    pub(crate) fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }
}

impl fmt::Debug for ZstdDictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZstdDictionary")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Codec for ZstdDictionary {
    fn name(&self) -> &str {
        &self.name
    }

    fn full_name(&self) -> String {
        format!("Zstandard, level {}, with a dictionary", self.level)
    }

    fn level(&self) -> Option<i32> {
        Some(self.level)
    }

    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        let encoder = self
            .encoder
            .get_or_init(|| CDict::try_create(&self.dictionary.content, self.level));
        let encoder = encoder
            .as_ref()
            .ok_or_else(|| CodecError::compress(&self.name, "the dictionary cannot be used"))?;
        frame::compress(&self.name, body.len(), |context, compressed| {
            context.compress_using_cdict(compressed, body, encoder)
        })
    }

    fn decompress(&self, stored: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
        let decoder = &self.dictionary.decoder;
        frame::decompress(&self.name, stored, len, |context, body| {
            context.decompress_using_ddict(body, stored, decoder)
        })
    }

    fn detects_damage(&self) -> bool {
        false
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A resource of an API, of some 250 bytes.
    pub(crate) fn issue(number: usize) -> Vec<u8> {
        format!(
            r#"{{"id":{number},"api_detail_url":"https://comics.example/api/issue/4000-{number}/","issue_number":"{}",
            "cover_date":"19{:02}-0{}-01","volume":{{"id":{},"name":"Series {}"}},"has_staff_review":false}}"#,
            number % 500,
            number % 100,
            number % 9 + 1,
            number % 37,
            number * 7919 % 1_000,
        )
        .into_bytes()
    }

    fn trained() -> Arc<Dictionary> {
        let samples: Vec<_> = (0..200).map(issue).collect();
        Arc::new(Dictionary::train(&samples, 16 << 10).expect("a dictionary"))
    }

    #[test]
    fn a_body_like_the_samples_takes_a_fraction_of_its_length() {
        let codec = ZstdDictionary::new(3, trained());
        let body = issue(5_000);
        let stored = codec.compress(&body).unwrap();
        assert!(
            stored.len() * 4 < body.len(),
            "{} of {}",
            stored.len(),
            body.len()
        );
        assert_eq!(codec.decompress(&stored, body.len()).unwrap(), body);
        let slower = ZstdDictionary::new(19, Arc::clone(codec.dictionary()));
        assert_eq!(slower.decompress(&stored, body.len()).unwrap(), body);
    }

    #[test]
    fn a_name_says_level_and_dictionary() {
        let dictionary = trained();
        let codec = ZstdDictionary::new(19, Arc::clone(&dictionary));
        let parsed = ZstdDictionary::parse_name(codec.name());
        assert_eq!(parsed, Some((19, dictionary.id())));
        for other in ["zstd-3", "brotli-5", "none", "zstd-x-dict-00", "dict-00"] {
            assert_eq!(ZstdDictionary::parse_name(other), None, "{other}");
        }
    }

    #[test]
    fn another_dictionary_another_length_and_a_cut_are_errors() {
        let codec = ZstdDictionary::new(3, trained());
        let body = issue(7);
        let stored = codec.compress(&body).unwrap();
        for len in [0, body.len() - 1, body.len() + 1, usize::MAX] {
            let error = codec.decompress(&stored, len).unwrap_err();
            assert!(matches!(error, CodecError::Length { .. }), "{error:?}");
        }
        for end in 0..stored.len() {
            codec.decompress(&stored[..end], body.len()).unwrap_err();
        }
        let samples: Vec<_> = (0..200).map(|number| issue(number * 31 + 9)).collect();
        let other = Dictionary::train(&samples, 8 << 10).unwrap();
        let other = ZstdDictionary::new(3, Arc::new(other));
        other.decompress(&stored, body.len()).unwrap_err();
    }

    #[test]
    fn too_few_samples_give_no_dictionary() {
        assert!(Dictionary::train(&[], 1_024).is_none());
        assert!(Dictionary::train(&[b"x".to_vec()], 1_024).is_none());
    }
}
