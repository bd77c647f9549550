//! The targets whose responses are stored for one user, which are never served to all: neither by another route to
//! the same origin nor after a reload.

use http_cache_db::policy::Mode;

use super::{Config, Origin};

/// The targets whose responses were stored for one user since the process began.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrivateTargets {
    origins: Vec<Origin>,
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
        Ok(all)
    }

    fn has(&self, origin: &Origin) -> bool {
        self.origins.iter().any(|private| private.overlaps(origin))
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
        let error =
            config(&format!("origin = \"http://a/b\"\n{private}\nhost = \"a\"")).unwrap_err();
        assert!(
            error.contains("http://a") && error.contains("the same private"),
            "{error}"
        );
        config(&format!("origin = \"http://b\"\n{private}\nhost = \"a\"")).unwrap();
    }

    #[test]
    fn it_stays_so_after_other_settings() {
        let before = config("private = true\norigin = \"http://a/b\"").unwrap();
        let between = config("origin = \"https://a\"").unwrap();
        let kept = PrivateTargets::default().and_of(&before).unwrap();
        let kept = kept.and_of(&between).unwrap();
        assert!(
            kept.and_of(&config("origin = \"http://a\"").unwrap())
                .is_err()
        );
    }
}
