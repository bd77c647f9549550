//! From the path of a request to what it asks for.
//!
//! Everything up to a segment `api` is a prefix that some proxy in front may have added. A slash
//! at the end makes no difference, and nothing is ever redirected.

use crate::resource::Kind;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/control/{name}`, outside the API.
    Control(&'a str),
    Api(ApiRoute),
    Outside,
}

/// A path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiRoute {
    /// The name under which requests are counted and limited: the resource part of the path,
    /// singular and plural apart. All that the API does not know share one name.
    pub(crate) path: &'static str,
    pub(crate) target: Target,
}

impl ApiRoute {
    /// The request's path in one spelling: `issue/4000-44`, `issues`.
    pub(crate) fn name(self) -> String {
        match self.target {
            Target::Detail(kind, id) => format!("{}/{}-{id}", self.path, kind.spec().prefix),
            Target::List(_)
            | Target::Search
            | Target::Types
            | Target::Nothing
            | Target::NoObject
            | Target::BadPath => self.path.to_owned(),
        }
    }
}

/// What a path of the API asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Detail(Kind, u64),
    List(Kind),
    Search,
    Types,
    /// A documented list that holds nothing.
    Nothing,
    /// A path of the right form that no object lies at.
    NoObject,
    BadPath,
}

/// The name of every path that the API does not have.
const UNKNOWN: &str = "unknown";

pub(crate) fn route(path: &str) -> Route<'_> {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let ["control", name] = segments[..] {
        return Route::Control(name);
    }
    match segments.iter().rposition(|part| *part == "api") {
        Some(api) => Route::Api(api_route(&segments[api + 1..])),
        None => Route::Outside,
    }
}

fn api_route(segments: &[&str]) -> ApiRoute {
    let at = |path, target| ApiRoute { path, target };
    let Some((&name, rest)) = segments.split_first() else {
        return at(UNKNOWN, Target::BadPath);
    };
    if let Some(kind) = Kind::of_list(name) {
        return at(kind.spec().list, alone(rest, Target::List(kind)));
    }
    if let Some(kind) = Kind::of_detail(name) {
        return at(kind.spec().detail, detail(kind, rest));
    }
    match name {
        "search" => at("search", alone(rest, Target::Search)),
        "types" => at("types", alone(rest, Target::Types)),
        "chats" => at("chats", alone(rest, Target::Nothing)),
        "chat" => at("chat", Target::NoObject),
        _ => at(UNKNOWN, Target::BadPath),
    }
}

fn alone(rest: &[&str], target: Target) -> Target {
    if rest.is_empty() {
        target
    } else {
        Target::BadPath
    }
}

/// `4000-44`, or `44` alone, which the key checks of some programs send.
fn detail(kind: Kind, rest: &[&str]) -> Target {
    let [segment] = rest else {
        return Target::BadPath;
    };
    let (prefix, id) = match segment.split_once('-') {
        Some((prefix, id)) => (Some(prefix), id),
        None => (None, *segment),
    };
    let Ok(id) = id.parse() else {
        return Target::BadPath;
    };
    match prefix.map(str::parse::<u16>) {
        None => Target::Detail(kind, id),
        Some(Ok(prefix)) if prefix == kind.spec().prefix => Target::Detail(kind, id),
        Some(Ok(_)) => Target::NoObject,
        Some(Err(_)) => Target::BadPath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        match route(path) {
            Route::Api(api) => api.target,
            other @ (Route::Control(_) | Route::Outside) => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn detail_takes_an_id_with_or_without_prefix_and_slash() {
        for path in [
            "/api/issue/4000-44/",
            "/api/issue/4000-44",
            "/api/issue/44/",
            "/proxy/comics/api/issue/44",
        ] {
            assert_eq!(target(path), Target::Detail(Kind::Issue, 44), "{path}");
        }
    }

    #[test]
    fn irregular_plurals_are_lists() {
        assert_eq!(target("/api/people/"), Target::List(Kind::Person));
        assert_eq!(target("/api/series_list/"), Target::List(Kind::Series));
        assert_eq!(
            target("/api/series/4075-1/"),
            Target::Detail(Kind::Series, 1)
        );
    }

    #[test]
    fn prefix_of_another_resource_finds_no_object() {
        assert_eq!(target("/api/issue/4050-44/"), Target::NoObject);
    }

    #[test]
    fn anything_else_is_a_bad_path() {
        for path in [
            "/api",
            "/api/",
            "/api/issue/",
            "/api/issue/x/",
            "/api/issue/4000-/",
            "/api/issue/4000-1/2/",
            "/api/issues/44/",
            "/api/heroes/",
        ] {
            assert_eq!(target(path), Target::BadPath, "{path}");
        }
    }

    #[test]
    fn control_and_the_rest_lie_outside() {
        assert_eq!(route("/control/counts"), Route::Control("counts"));
        assert_eq!(route("/issue/4000-1/"), Route::Outside);
    }
}
