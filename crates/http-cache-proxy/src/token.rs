//! The secret of whoever operates the proxy: a bearer token (RFC 6750).

use std::fs;
use std::path::Path;

use http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::error::Error;

/// The variable of the environment that has it.
pub(crate) const VARIABLE: &str = "HTTP_CACHE_PROXY_TOKEN";
/// Shorter ones can be guessed.
const MIN_BYTES: usize = 16;

/// The secret; its `Debug` does not show it.
#[derive(Clone, Debug)]
pub(crate) struct Token(SecretString);

impl Token {
    /// The token of the environment or of a file, whose last line break does not count.
    pub(crate) fn of(variable: Option<String>, file: Option<&Path>) -> Result<Option<Self>, Error> {
        match (variable, file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Error::Usage(format!(
                "both {VARIABLE} and --token-file give a token; leave one of them out"
            ))),
            (Some(text), None) => Self::parse(text).map(Some),
            (None, Some(path)) => {
                let text = fs::read_to_string(path).map_err(|source| Error::ReadToken {
                    path: path.to_owned(),
                    source,
                })?;
                Self::parse(text.trim_end_matches(['\r', '\n']).to_owned()).map(Some)
            }
        }
    }

    fn parse(text: String) -> Result<Self, Error> {
        let secret = SecretString::from(text);
        let bytes = secret.expose_secret().as_bytes();
        if bytes.len() < MIN_BYTES || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(Error::Usage(format!(
                "a token has at least {MIN_BYTES} letters, digits or signs, and no blanks; make one with \
                 openssl rand -hex 32"
            )));
        }
        Ok(Self(secret))
    }

    /// Whether a request with these fields has it. Takes as long for one wrong token as for another of its length.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return false;
        };
        let Some((scheme, given)) = line.as_bytes().split_at_checked("Bearer ".len()) else {
            return false;
        };
        let expected = self.0.expose_secret().as_bytes();
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(given.ct_eq(expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn token(text: &str) -> Result<Option<Token>, Error> {
        Token::of(Some(text.to_owned()), None)
    }

    #[test]
    fn only_the_token_opens() {
        let token = token(SECRET).unwrap().unwrap();
        let has = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::AUTHORIZATION, line.parse().unwrap());
            }
            token.is_in(&headers)
        };
        assert!(has(&["Bearer 0123456789abcdef"]) && has(&["bearer 0123456789abcdef"]));
        for lines in [
            &[][..],
            &["Bearer "],
            &["Bearer 0123456789abcdeX"],
            &["Bearer 0123456789abcdef0"],
            &["Bearer 0123456789abcde"],
            &["Basic 0123456789abcdef"],
            &["0123456789abcdef"],
            &["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"],
        ] {
            assert!(!has(lines), "{lines:?}");
        }
        assert!(!format!("{token:?}").contains(SECRET));
    }

    #[test]
    fn weak_tokens_are_refused_without_showing_them() {
        for text in ["", "short", "0123456789 abcdef", "0123456789abcdef\n"] {
            let error = token(text).unwrap_err().to_string();
            assert!(error.contains("openssl rand"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn the_token_of_a_file_ends_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, format!("{SECRET}\r\n")).unwrap();
        let token = Token::of(None, Some(&path)).unwrap().unwrap();
        assert_eq!(token.0.expose_secret(), SECRET);
        let both = Token::of(Some(SECRET.to_owned()), Some(&path));
        assert!(both.unwrap_err().to_string().contains("leave one"));
        assert!(Token::of(None, Some(&folder.path().join("missing"))).is_err());
    }
}
