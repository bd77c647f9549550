//! Targets without the secrets in their queries, and where those secrets must not turn up.

mod names;
mod request_fields;
mod secrets;

use http::Uri;
use percent_encoding::percent_decode_str;

use crate::policy::RequestHead;

pub use secrets::Secrets;

/// What a secret is replaced with.
const REDACTED: &str = "REDACTED";

/// The parameters and fields whose values are not shown or stored.
///
/// By default, these are those with a name of which a word, or two in a row, end in a word for secrets: `token`, `secret`,
/// `password`, `auth`, `signature`, `credential`, `cookie`, `jwt` and the like, or `key` after `api`, `access`, `secret`,
/// `private` and the like; with the word `session` or `sig`; or of the name `key`, `code` or `pass`. Words are separated
/// by signs, or begin with a capital: `id_token`, `X-Amz-Signature` and `apiKey` are secret, `sort_key` and `tokenizer`
/// are not.
///
/// ```
/// use http::Uri;
/// use http_cache_db::Redaction;
///
/// let target = Uri::from_static("http://example.org/issues?api_key=s3cret&page=2");
/// let shown = Redaction::default().of(&target);
/// assert_eq!(shown, "http://example.org/issues?api_key=REDACTED&page=2");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction(
    /// The names of an application, besides those by the rule.
    Vec<String>,
);

impl Redaction {
    /// Also redacts parameters and fields of this name, in any case.
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
            if self.is_secret(name) {
                format!("{name}=REDACTED")
            } else {
                parameter.to_owned()
            }
        });
        format!("{path}?{}", parameters.collect::<Vec<_>>().join("&"))
    }

    /// The secrets of a request: the values of redacted parameters, of `Authorization` and of `Cookie`, and a
    /// password in its target. Shorter ones than six characters are left out: they turn up by chance.
    #[must_use]
    pub fn secrets_of(&self, request: &RequestHead) -> Secrets {
        let query = request.target.query().unwrap_or_default();
        let parameters = query.split(['&', ';']);
        let parameters = parameters.filter_map(|parameter| parameter.split_once('='));
        let of_query = parameters.filter(|(name, _)| self.is_secret(name));
        let of_query = of_query.map(|(_, value)| value);
        let user = request.target.authority().map(http::uri::Authority::as_str);
        let user = user.and_then(|authority| authority.rsplit_once('@'));
        let password = user.and_then(|(user, _)| user.split_once(':'));
        let of_target = of_query.chain(password.map(|(_, password)| password));
        Secrets::new(of_target, &request.headers)
    }

    /// Whether the parameter of this encoded name, or the field of this name, is secret.
    fn is_secret(&self, name: &str) -> bool {
        let decoded = percent_decode_str(name).decode_utf8_lossy();
        let mut named = self.0.iter();
        names::is_secret(&decoded) || named.any(|name| decoded.eq_ignore_ascii_case(name))
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
    fn targets_that_differ_in_a_secret_have_keys_of_their_own() {
        let (salt, redaction) = (crate::Salt::random(), Redaction::default());
        let [one, other] = ["/?id_token=1", "/?id_token=2"].map(Uri::from_static);
        assert_eq!(redaction.of(&one), redaction.of(&other));
        assert_ne!(salt.target_key(&one), salt.target_key(&other));
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
        let redaction = Redaction::default().with("Visitor");
        let target = Uri::from_static("/?visitor=1&page=2");
        assert_eq!(redaction.of(&target), "/?visitor=REDACTED&page=2");
        let mut headers = http::HeaderMap::new();
        headers.insert("visitor", "1".parse().unwrap());
        let request = RequestHead::new(http::Method::GET, target, headers);
        assert_eq!(redaction.request_fields(&request)[0].1, REDACTED);
    }
}
