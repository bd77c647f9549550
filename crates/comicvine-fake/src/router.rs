//! Routes of request paths.
//!
//! The API is below `api`, whatever a proxy has put before that, and at the root, where a program ends up
//! that resolves paths against a base URL without a last slash. A trailing slash makes no difference, and
//! nothing is redirected.

use crate::images;
use crate::resource::Kind;

/// The route of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// `/control/{name}`, outside the API.
    Control(&'a str),
    Api(ApiRoute),
    /// The file of an image of the site.
    Image,
    Outside,
}

/// A path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiRoute {
    /// The name by which requests are counted and limited: the resource part of the path, singular
    /// and plural separately. All unknown paths share one name.
    pub(crate) path: &'static str,
    pub(crate) target: Target,
}

impl ApiRoute {
    /// The canonical form of the path: `issue/4000-44`, `issues`.
    pub(crate) fn name(self) -> String {
        match self.target {
            Target::Detail(kind, id) => format!("{}/{}-{id}", self.path, kind.spec().prefix),
            Target::List(_)
            | Target::Search
            | Target::Types
            | Target::EmptyList
            | Target::NotFound
            | Target::BadPath => self.path.to_owned(),
        }
    }
}

/// The target of a path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Detail(Kind, u64),
    List(Kind),
    Search,
    Types,
    /// A documented list without rows.
    EmptyList,
    /// A well-formed path of no object.
    NotFound,
    BadPath,
}

/// The name of all unknown paths.
const UNKNOWN: &str = "unknown";

pub(crate) fn route(path: &str) -> Route<'_> {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let ["control", name] = segments[..] {
        return Route::Control(name);
    }
    if path.starts_with(images::FOLDER) {
        return Route::Image;
    }
    match segments.iter().rposition(|part| *part == "api") {
        Some(api) => Route::Api(api_route(&segments[api + 1..]).unwrap_or(ApiRoute {
            path: UNKNOWN,
            target: Target::BadPath,
        })),
        // At the root are the pages of the site too.
        None => api_route(&segments).map_or(Route::Outside, Route::Api),
    }
}

/// The route of the segments below the API; none if the first is no resource.
fn api_route(segments: &[&str]) -> Option<ApiRoute> {
    let at = |path, target| Some(ApiRoute { path, target });
    let (&name, rest) = segments.split_first()?;
    if let Some(kind) = Kind::from_list_path(name) {
        return at(kind.spec().list, without_rest(rest, Target::List(kind)));
    }
    if let Some(kind) = Kind::from_detail_path(name) {
        return at(kind.spec().detail, detail(kind, rest));
    }
    match name {
        "search" => at("search", without_rest(rest, Target::Search)),
        "types" => at("types", without_rest(rest, Target::Types)),
        "chats" => at("chats", without_rest(rest, Target::EmptyList)),
        "chat" => at("chat", Target::NotFound),
        _ => None,
    }
}

fn without_rest(rest: &[&str], target: Target) -> Target {
    if rest.is_empty() {
        target
    } else {
        Target::BadPath
    }
}

/// `4000-44`, or `44`, which some programs send to check a key.
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
        Some(Ok(_)) => Target::NotFound,
        Some(Err(_)) => Target::BadPath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        match route(path) {
            Route::Api(api) => api.target,
            other @ (Route::Control(_) | Route::Image | Route::Outside) => {
                panic!("{path}: {other:?}")
            }
        }
    }

    #[test]
    fn detail_takes_an_id_with_or_without_prefix_and_slash() {
        for path in [
            "/api/issue/4000-44/",
            "/api/issue/4000-44",
            "/api/issue/44/",
            "/proxy/comics/api/issue/44",
            "/issue/4000-44",
            "//issue/44/",
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
    fn prefix_of_another_resource_is_not_found() {
        assert_eq!(target("/api/issue/4050-44/"), Target::NotFound);
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
    fn control_and_other_paths_are_outside_the_api() {
        assert_eq!(route("/control/counts"), Route::Control("counts"));
        for path in ["/", "/heroes/", "/proxy/issue/4000-1/", "/favicon.ico"] {
            assert_eq!(route(path), Route::Outside, "{path}");
        }
    }
}
