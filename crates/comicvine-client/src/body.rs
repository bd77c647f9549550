//! Response bodies as JSON text, repaired where they are none.
//!
//! The API's data is edited by hand and cut by programs: control characters stand in strings, bytes are not UTF-8,
//! half of a surrogate pair is left over. One such character must not cost the whole response.

use std::fmt;
use std::fmt::Write as _;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::envelope::Envelope;

/// What was wrong with the text of a response, and was replaced to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Damage {
    /// Bytes that are not UTF-8; read as Latin-1.
    Encoding,
    /// Control characters in strings, which JSON forbids; escaped.
    ControlCharacters,
    /// Halves of surrogate pairs (`\\ud83d`), which are no character; read as `U+FFFD`. The raw JSON keeps them.
    LoneSurrogates,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Encoding => "bytes that are not UTF-8",
            Self::ControlCharacters => "control characters",
            Self::LoneSurrogates => "halves of characters",
        })
    }
}

/// The text of a body, and what was repaired in it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) text: ByteString,
    pub(crate) damage: Vec<Damage>,
}

impl Body {
    /// Parses `bytes`, and their repaired text if they do not parse.
    ///
    /// # Errors
    /// That of the first try.
    pub(crate) fn read<T>(
        bytes: &Bytes,
        parse: impl Fn(&Self) -> Result<T, serde_json::Error>,
    ) -> Result<T, serde_json::Error> {
        const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
        let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => &bytes.slice_ref(rest),
            None => bytes,
        };
        let mut first_error = None;
        if let Ok(text) = ByteString::try_from(bytes.clone()) {
            let damage = Vec::new();
            match parse(&Self { text, damage }) {
                Ok(parsed) => return Ok(parsed),
                Err(error) => first_error = Some(error),
            }
        }
        let mut repaired = repair(bytes);
        let error = match first_error {
            Some(error) if repaired.damage.is_empty() => error,
            first => match parse(&repaired) {
                Ok(parsed) => return Ok(parsed),
                Err(second) => first.unwrap_or(second),
            },
        };
        // Half a character outside of the results; within them it stays.
        if let Some(text) = without_lone_surrogates(&repaired.text) {
            repaired.text = text.into();
            repaired.damage.push(Damage::LoneSurrogates);
            if let Ok(parsed) = parse(&repaired) {
                return Ok(parsed);
            }
        }
        Err(error)
    }

    /// The envelope, its results as `R`.
    pub(crate) fn envelope<'a, R: Deserialize<'a>>(
        &'a self,
    ) -> Result<Envelope<R>, serde_json::Error> {
        serde_json::from_str(&self.text)
    }
}

fn repair(bytes: &[u8]) -> Body {
    let mut damage = Vec::new();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
        if !chunk.invalid().is_empty() && damage.is_empty() {
            damage.push(Damage::Encoding);
        }
    }
    let escaped = escape_control_characters(&text);
    if escaped.len() != text.len() {
        damage.push(Damage::ControlCharacters);
    }
    Body {
        text: escaped.into(),
        damage,
    }
}

/// Escapes the control characters within strings.
fn escape_control_characters(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let (mut in_string, mut after_backslash) = (false, false);
    for c in text.chars() {
        if in_string && c.is_ascii_control() && c != '\u{7f}' {
            // Writing to a string never fails.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
        if c == '"' && !after_backslash {
            in_string = !in_string;
        }
        after_backslash = c == '\\' && in_string && !after_backslash;
    }
    escaped
}

/// Parses a part of a body; lone surrogates, which no text can hold, become `U+FFFD`.
///
/// # Errors
/// [`serde_json::Error`] if it is no `T`.
pub(crate) fn parse_part<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(json).or_else(|error| {
        let repaired = without_lone_surrogates(json).ok_or(error)?;
        serde_json::from_str(&repaired)
    })
}

/// `json` with `U+FFFD` in place of lone surrogates; `None` if it has none.
pub(crate) fn without_lone_surrogates(json: &str) -> Option<String> {
    const ESCAPE_LENGTH: usize = 6;
    let unit = |at: usize| -> Option<u16> {
        let digits = json.get(at..at + ESCAPE_LENGTH)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut repaired = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        // The character after a backslash is part of its escape.
        at = start + 2;
        let (high, low) = match unit(start) {
            Some(0xd800..=0xdbff) => (
                true,
                matches!(unit(start + ESCAPE_LENGTH), Some(0xdc00..=0xdfff)),
            ),
            Some(0xdc00..=0xdfff) => (false, false),
            _ => continue,
        };
        if high && low {
            at = start + 2 * ESCAPE_LENGTH;
            continue;
        }
        at = start + ESCAPE_LENGTH;
        repaired.push_str(&json[copied..start]);
        repaired.push_str("\\ufffd");
        copied = at;
    }
    (copied > 0).then(|| repaired + &json[copied..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn read(bytes: &Bytes) -> Result<(String, Body), serde_json::Error> {
        Body::read(bytes, |body| {
            let results = body.envelope::<&RawValue>()?.results.get().to_owned();
            Ok((results, body.clone()))
        })
    }

    fn read_results(results: &[u8]) -> (String, Body) {
        let mut bytes = br#"{"status_code":1,"results":"#.to_vec();
        bytes.extend_from_slice(results);
        bytes.push(b'}');
        read(&bytes.into()).unwrap()
    }

    #[test]
    fn sound_body_is_not_copied() {
        let bytes = Bytes::from_static(br#"{"status_code":1,"results":[]}"#);
        let (_, body) = read(&bytes).unwrap();
        assert_eq!(body.text.as_bytes().as_ptr(), bytes.as_ptr());
        assert!(body.damage.is_empty());
    }

    #[test]
    fn control_characters_in_strings_are_escaped() {
        let (results, body) = read_results(b"{\n\"name\":\"Night\x01 \\\"Watch\\\"\t\"}");
        assert_eq!(body.damage, [Damage::ControlCharacters]);
        let expected = "{\n\"name\":\"Night\\u0001 \\\"Watch\\\"\\u0009\"}";
        assert_eq!(results, expected);
    }

    #[test]
    fn byte_order_mark_does_not_stand_in_the_way_of_a_repair() {
        for text in [
            &b"\xef\xbb\xbf{\"status_code\":1,\"results\":\"\xe1\"}"[..],
            b"\xef\xbb\xbf{\"status_code\":1,\"results\":\"\x01\"}",
        ] {
            let (_, body) = read(&Bytes::from_static(text)).unwrap();
            assert_eq!(body.damage.len(), 1);
        }
    }

    #[test]
    fn half_a_character_in_the_envelope_costs_no_results() {
        let bytes = Bytes::from_static(br#"{"status_code":1,"error":"O\ud83dK","results":[1]}"#);
        let (results, body) = read(&bytes).unwrap();
        assert_eq!(
            (results.as_str(), &body.damage[..]),
            ("[1]", &[Damage::LoneSurrogates][..])
        );
    }

    #[test]
    fn other_bytes_are_latin_1() {
        let (results, body) = read_results(b"\"Bogot\xe1 \xc3\xa1\"");
        assert_eq!(body.damage, [Damage::Encoding]);
        assert_eq!(results, "\"Bogot\u{e1} \u{e1}\"");
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_are_kept() {
        for (json, expected) in [
            (r#""a \ud83d b""#, Some(r#""a \ufffd b""#)),
            (
                r#""\ude00\ud83d\ude00\uD83D""#,
                Some(r#""\ufffd\ud83d\ude00\ufffd""#),
            ),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
            (r#""plain""#, None),
        ] {
            assert_eq!(without_lone_surrogates(json).as_deref(), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn text_without_lone_surrogates_decodes(units in prop::collection::vec(0xd7f0_u16..0xe010, 0..8)) {
            let escapes: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{}\"", escapes.concat());
            let repaired = without_lone_surrogates(&json).unwrap_or(json);
            let text: String = serde_json::from_str(&repaired).unwrap();
            prop_assert_eq!(text, String::from_utf16_lossy(&units));
        }

        #[test]
        fn any_bytes_have_a_text(bytes: Vec<u8>) {
            let _ = read(&bytes.into());
        }
    }
}
