//! Targets without the secrets in their queries.

use http::Uri;
use percent_encoding::percent_decode_str;

/// Parameters that commonly hold a secret.
const SECRETS: [&str; 20] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "client_secret",
    "code",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "session",
    "sig",
    "signature",
    "token",
    "x-amz-security-token",
    "x-amz-signature",
];

/// The parameters whose values are not shown or stored.
///
/// ```
/// use http::Uri;
/// use http_cache_db::Redaction;
///
/// let target = Uri::from_static("http://example.org/issues?api_key=s3cret&page=2");
/// let shown = Redaction::default().of(&target);
/// assert_eq!(shown, "http://example.org/issues?api_key=REDACTED&page=2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction(Vec<String>);

impl Default for Redaction {
    fn default() -> Self {
        Self(SECRETS.map(str::to_owned).to_vec())
    }
}

impl Redaction {
    /// Also redacts parameters of this name, in any case.
    #[must_use]
    pub fn with(mut self, parameter: &str) -> Self {
        self.0.push(parameter.to_ascii_lowercase());
        self
    }

    /// The target, with each secret value replaced.
    #[must_use]
    pub fn of(&self, target: &Uri) -> String {
        let text = target.to_string();
        // A user name and password would come before the host.
        let text = match (target.authority(), text.split_once('@')) {
            (Some(authority), Some((_, rest))) if authority.as_str().contains('@') => {
                format!("{}://{rest}", target.scheme_str().unwrap_or("http"))
            }
            _ => text,
        };
        let Some((path, query)) = text.split_once('?') else {
            return text;
        };
        let parameters = query.split(['&', ';']).map(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            let decoded = percent_decode_str(name).decode_utf8_lossy();
            let is_secret = self
                .0
                .iter()
                .any(|secret| decoded.eq_ignore_ascii_case(secret));
            if is_secret {
                format!("{name}=REDACTED")
            } else {
                parameter.to_owned()
            }
        });
        format!("{path}?{}", parameters.collect::<Vec<_>>().join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_in_any_case_is_redacted() {
        let target = Uri::from_static("/a?API_KEY=1&b=2&api_key=3&api_key");
        let shown = Redaction::default().of(&target);
        assert_eq!(
            shown,
            "/a?API_KEY=REDACTED&b=2&api_key=REDACTED&api_key=REDACTED"
        );
    }

    #[test]
    fn encoded_names_and_passwords_of_users_are_redacted() {
        let shown = |text: &str| Redaction::default().of(&text.parse().unwrap());
        assert_eq!(shown("/?api%5Fkey=1"), "/?api%5Fkey=REDACTED");
        assert_eq!(shown("/?a=1;token=2"), "/?a=1&token=REDACTED");
        assert_eq!(shown("http://bob:s3cret@a/b?c=d@e"), "http://a/b?c=d@e");
    }

    #[test]
    fn an_application_names_its_own_secrets() {
        let redaction = Redaction::default().with("Session");
        assert_eq!(
            redaction.of(&Uri::from_static("/?session=1")),
            "/?session=REDACTED"
        );
    }
}
