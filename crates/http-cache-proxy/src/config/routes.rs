//! Which requests go to which origin, and by which rules.
//!
//! Invariant: no two routes are for the same requests.

use std::cmp::Reverse;
use std::time::Duration;

use http::Uri;
use http_cache_db::policy::{Mode, Policy};

use super::forward::Forward;
use super::origin::Origin;
use super::pattern::{HostPattern, PathPrefix};
use super::rules::Rules;
use crate::args::{OriginTable, Settings};
use crate::error::Error;
use crate::output;
use crate::upstream::Protocols;

/// The requests that go to an origin, and the rules of their answers.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) host: HostPattern,
    pub(crate) path: PathPrefix,
    /// Whether the origin gets paths without `path`.
    strips_path: bool,
    pub(crate) origin: Origin,
    pub(crate) policy: Policy,
    pub(crate) timeout: Duration,
    pub(crate) protocols: Protocols,
}

impl Route {
    /// That of the settings themselves: any request.
    fn of_all(origin: &str, settings: &Settings) -> Result<Self, String> {
        let rules = Rules::new(settings)?;
        let origin = Origin::parse(origin)?;
        Ok(Self {
            host: HostPattern::Any,
            path: PathPrefix::default(),
            strips_path: false,
            protocols: Protocols::new(settings.http2, &origin.scheme),
            origin,
            policy: rules.policy,
            timeout: rules.timeout,
        })
    }

    fn of_table(table: &OriginTable, all: &Settings) -> Result<Self, String> {
        let (host, path) = (table.host.as_deref(), table.path.as_deref());
        let host = host.map_or(Ok(HostPattern::Any), HostPattern::parse);
        let path = path.map_or_else(|| Ok(PathPrefix::default()), PathPrefix::parse);
        Ok(Self {
            host: host.map_err(|reason| format!("host: {reason}"))?,
            path: path.map_err(|reason| format!("path: {reason}"))?,
            strips_path: table.strip_path,
            ..Self::of_all(&table.origin, &table.settings(all))?
        })
    }

    /// The target at the origin of a path in its normal form. `None` if this is not its route.
    pub(crate) fn target(&self, path: &str) -> Option<Uri> {
        let rest = self.path.rest_of(path)?;
        if !self.strips_path {
            return self.origin.target(path);
        }
        if rest.starts_with('/') {
            return self.origin.target(rest);
        }
        self.origin.target(&format!("/{rest}"))
    }
}

/// The routes of the settings. The first that a request fits is its own: the most precise host, then the longest
/// path.
pub(super) fn routes(settings: &Settings) -> Result<Vec<Route>, Error> {
    let mut named = Vec::new();
    for (index, table) in settings.origins.iter().enumerate() {
        let name = format!("[[origins]] number {}", index + 1);
        let route = Route::of_table(table, settings);
        let route = route.map_err(|reason| Error::Usage(format!("{name}: {reason}")))?;
        named.push((name, route));
    }
    if let Some(origin) = &settings.origin {
        let route = Route::of_all(origin, settings).map_err(Error::Usage)?;
        named.push(("the origin of all requests".to_owned(), route));
    }
    for (index, (name, route)) in named.iter().enumerate() {
        for (other_name, other) in &named[..index] {
            if let Some(reason) = conflict(route, other) {
                let text = format!("{other_name} and {name} {reason}");
                return Err(Error::Usage(text));
            }
        }
    }
    let mut routes: Vec<_> = named.into_iter().map(|(_, route)| route).collect();
    routes.sort_by_key(|route| Reverse((route.host.precision(), route.path.len())));
    Ok(routes)
}

/// Why two routes cannot be at the same time.
fn conflict(one: &Route, other: &Route) -> Option<String> {
    if (&one.host, &one.path) == (&other.host, &other.path) {
        return Some(format!(
            "are for the same requests, host {} and path {}; give one of them another host or path",
            one.host, one.path
        ));
    }
    None
}

/// A table of routes for people, in the order in which they are tried.
pub(super) fn table(routes: &[Route], forward: Option<&Forward>) -> String {
    let row = |host: String, path: String, origin: String, policy: &Policy, timeout| {
        let serves = match policy.mode {
            Mode::Shared => "all users",
            Mode::Private => "one user",
        };
        let timeout = humantime::format_duration(timeout).to_string();
        vec![host, path, origin, serves.to_owned(), timeout]
    };
    let mut rows: Vec<_> = routes
        .iter()
        .map(|route| {
            let stripped = if route.strips_path {
                " (without path)"
            } else {
                ""
            };
            let origin = format!("{}{stripped}", route.origin.base);
            let (host, path) = (route.host.to_string(), route.path.to_string());
            row(host, path, origin, &route.policy, route.timeout)
        })
        .collect();
    if let Some(forward) = forward {
        for allowed in &forward.allowed.0 {
            let (host, path) = (format!("http://{allowed}"), "/".to_owned());
            let origin = "forwarded as asked for".to_owned();
            rows.push(row(host, path, origin, &forward.policy, forward.timeout));
        }
    }
    output::grid(&["host", "path", "origin", "serves", "timeout"], rows, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Route>, Error> {
        routes(&toml::from_str(text).unwrap())
    }

    /// Where a request of this host and path goes.
    fn target(routes: &[Route], host: &str, path: &str) -> Option<String> {
        let mut routes = routes.iter().filter(|route| route.host.matches(Some(host)));
        let target = routes.find_map(|route| route.target(path));
        target.map(|target| target.to_string())
    }

    #[test]
    fn the_most_precise_host_and_then_the_longest_path_wins() {
        let routes = read(
            "origin = \"http://all\"\n\
             [[origins]]\norigin = \"http://below\"\nhost = \"*.example.org\"\n\
             [[origins]]\norigin = \"http://deep\"\nhost = \"*.b.example.org\"\n\
             [[origins]]\norigin = \"http://api/v1\"\npath = \"/api\"\nstrip-path = true\n\
             [[origins]]\norigin = \"http://old\"\npath = \"/api/old\"\n\
             [[origins]]\norigin = \"http://one\"\nhost = \"one.example.org\"\npath = \"/in\"\n",
        );
        let routes = routes.unwrap();
        for (host, path, expected) in [
            ("other.net", "/", "http://all/"),
            ("a.example.org", "/api", "http://below/api"),
            ("a.b.example.org", "/", "http://deep/"),
            ("other.net", "/api/a?b", "http://api/v1/a?b"),
            ("other.net", "/api", "http://api/v1/"),
            ("other.net", "/api?b", "http://api/v1/?b"),
            ("other.net", "/api/old/a", "http://old/api/old/a"),
            ("other.net", "/apis", "http://all/apis"),
            ("one.example.org", "/in/a", "http://one/in/a"),
            ("one.example.org", "/out", "http://below/out"),
        ] {
            assert_eq!(
                target(&routes, host, path).as_deref(),
                Some(expected),
                "{host}{path}"
            );
        }
    }

    #[test]
    fn an_error_names_its_table_and_the_remedy() {
        for (text, words) in [
            ("origin = \"b\"", ["number 2", "https://example.org"]),
            (
                "origin = \"http://b\"\nhost = \"b:80\"",
                ["number 2: host", "without scheme, port"],
            ),
            (
                "origin = \"http://b\"\npath = \"b\"",
                ["number 2: path", "/api"],
            ),
            (
                "origin = \"http://b\"\ntimeout = \"0s\"",
                ["number 2", "30s"],
            ),
            (
                "origin = \"http://b\"\nhost = \"A.\"",
                ["number 1 and [[origins]] number 2", "another host"],
            ),
        ] {
            let first = "[[origins]]\norigin = \"http://a\"\nhost = \"a\"";
            let error = read(&format!("{first}\n[[origins]]\n{text}")).unwrap_err();
            let error = error.to_string();
            assert!(words.iter().all(|words| error.contains(words)), "{error}");
        }
        let secret = read("[[origins]]\norigin = \"http://user:s3cret@a\"").unwrap_err();
        assert!(!secret.to_string().contains("s3cret"), "{secret}");
    }
}
