//! The targets whose responses are stored for one user, which are never served to all: neither by another route to
//! the same origin nor after a reload.

use http::uri::Scheme;
use http_cache_db::policy::Mode;

use super::{Config, Origin};

/// The targets whose responses were stored for one user since the process began.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrivateTargets {
    origins: Vec<Origin>,
    /// Whether all of plain http may be among them, by a forward proxy.
    is_any_http: bool,
}

impl PrivateTargets {
    /// These and those of the settings. The error says which are both for one user and for all.
    pub(crate) fn and_of(&self, config: &Config) -> Result<Self, String> {
        let mut all = self.clone();
        let (private, shared): (Vec<_>, Vec<_>) = config
            .routes
            .iter()
            .partition(|route| route.policy.mode == Mode::Private);
        for route in private {
            if !all.origins.contains(&route.origin) {
                all.origins.push(route.origin.clone());
            }
        }
        let forward = config.forward.as_ref();
        all.is_any_http |= forward.is_some_and(|forward| forward.policy.mode == Mode::Private);
        let refused = |what: &str| {
            Err(format!(
                "responses of {what} are stored for one user, and would be served to all; give all that leads there the \
                 same private, or restart the proxy with another place for responses"
            ))
        };
        for route in shared {
            if all.has(&route.origin) {
                return refused(&route.origin.base);
            }
        }
        if let Some(forward) = forward.filter(|forward| forward.policy.mode == Mode::Shared) {
            if all.is_any_http {
                return refused("the forward proxy");
            }
            let covered = all.origins.iter().find(|origin| {
                let (host, port) = origin.host_and_port();
                origin.scheme == Scheme::HTTP && forward.allowed.allows_host(&host, port)
            });
            if let Some(origin) = covered {
                return refused(&origin.base);
            }
        }
        Ok(all)
    }

    fn has(&self, origin: &Origin) -> bool {
        let is_forwarded = self.is_any_http && origin.scheme == Scheme::HTTP;
        is_forwarded || self.origins.iter().any(|private| private.overlaps(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, String> {
        let text = format!("memory = true\n{text}");
        Config::new(&toml::from_str(&text).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_stored_for_one_user_is_not_for_all() {
        let private = "[[origins]]\norigin = \"http://a\"\nprivate = true";
        for text in [
            format!("origin = \"http://a/b\"\n{private}\nhost = \"a\""),
            format!("forward = true\nallow = [\"a\"]\n{private}"),
        ] {
            let error = config(&text).unwrap_err();
            assert!(
                error.contains("http://a") && error.contains("the same private"),
                "{error}"
            );
        }
        for text in [
            format!("origin = \"http://b\"\n{private}\nhost = \"a\""),
            format!("forward = true\nallow = [\"b\"]\n{private}"),
            format!("private = true\nforward = true\nallow = [\"*\"]\n{private}"),
        ] {
            config(&text).unwrap();
        }
    }

    #[test]
    fn it_stays_so_after_other_settings() {
        let before = config("private = true\nforward = true\nallow = [\"a\"]").unwrap();
        let between = config("origin = \"https://a\"").unwrap();
        let kept = PrivateTargets::default().and_of(&before).unwrap();
        let kept = kept.and_of(&between).unwrap();
        assert!(
            kept.and_of(&config("origin = \"http://a\"").unwrap())
                .is_err()
        );
        let forward = config("forward = true\nallow = [\"b\"]").unwrap();
        assert!(kept.and_of(&forward).is_err());
    }
}
