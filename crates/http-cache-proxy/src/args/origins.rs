//! The tables `[[origins]]` of a config file.

use serde::Deserialize;

use super::{Ignored, Settings, Ttl};

/// An origin, the requests that go to it, and what differs from the settings of all origins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OriginTable {
    /// Base URL of the origin, with its scheme.
    pub(crate) origin: String,
    /// The host that requests name, such as `example.org` or `*.example.org`. Default: any.
    pub(crate) host: Option<String>,
    /// What the paths of requests begin with, such as `/api`. Default: any.
    pub(crate) path: Option<String>,
    /// Whether the origin gets paths without `path`. Default: no.
    #[serde(default)]
    pub(crate) strip_path: bool,
    private: Option<bool>,
    replay_set_cookie: Option<bool>,
    complete_unvalidated: Option<bool>,
    default_ttl: Option<Ttl>,
    min_ttl: Option<Ttl>,
    max_ttl: Option<Ttl>,
    ignore: Option<Vec<Ignored>>,
    only_if_cached: Option<bool>,
    offline: Option<bool>,
    stale_on_error: Option<bool>,
    timeout: Option<Ttl>,
    http2: Option<bool>,
}

impl OriginTable {
    /// The settings of this origin: its own, else those of all origins.
    pub(crate) fn settings(&self, all: &Settings) -> Settings {
        let all = all.clone();
        Settings {
            private: self.private.unwrap_or(all.private),
            replay_set_cookie: self.replay_set_cookie.unwrap_or(all.replay_set_cookie),
            complete_unvalidated: self
                .complete_unvalidated
                .unwrap_or(all.complete_unvalidated),
            default_ttl: self.default_ttl.or(all.default_ttl),
            min_ttl: self.min_ttl.or(all.min_ttl),
            max_ttl: self.max_ttl.or(all.max_ttl),
            ignore: self.ignore.clone().unwrap_or(all.ignore),
            only_if_cached: self.only_if_cached.unwrap_or(all.only_if_cached),
            offline: self.offline.unwrap_or(all.offline),
            stale_on_error: self.stale_on_error.unwrap_or(all.stale_on_error),
            timeout: self.timeout.or(all.timeout),
            http2: self.http2.or(all.http2),
            ..all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn what_a_table_says_comes_before_the_settings_of_all() {
        let all = settings(
            "private = true\ndefault-ttl = \"5m\"\nignore = [\"no-store\"]\n\
             [[origins]]\norigin = \"http://a\"\n\
             [[origins]]\norigin = \"http://b\"\nprivate = false\ndefault-ttl = \"1m\"\nignore = []",
        );
        let all = all.unwrap();
        let of = |index: usize| {
            let own = all.origins[index].settings(&all);
            let ttl = own.default_ttl.map(|ttl| ttl.0.as_secs());
            (own.private, ttl, own.ignore.len())
        };
        assert_eq!(of(0), (true, Some(300), 1));
        assert_eq!(of(1), (false, Some(60), 0));
    }

    #[test]
    fn a_setting_that_no_origin_has_is_an_error() {
        for line in ["listen = \"127.0.0.1:1\"", "hots = \"a\""] {
            let text = format!("[[origins]]\norigin = \"http://a\"\n{line}");
            assert!(settings(&text).is_err(), "{line}");
        }
        let missing = settings("[[origins]]\nhost = \"a\"").unwrap_err();
        assert!(missing.to_string().contains("origin"), "{missing}");
    }
}
