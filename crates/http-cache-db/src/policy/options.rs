//! What an application decides about its cache.

use std::time::Duration;

use crate::fields::{Directive, TargetedFields};

/// Whom the cache serves (RFC 9111, section 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Several users: `private` and answers to `Authorization` are not stored, `s-maxage` counts.
    #[default]
    Shared,
    /// One user.
    Private,
}

/// What a shared cache does with a stored `Set-Cookie`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetCookie {
    /// Only the request that fetched the response gets it: a cookie of one user is not for others.
    #[default]
    Withhold,
    /// Every hit gets it.
    Replay,
}

/// What is done with a stored beginning of a response that has no strong validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnvalidatedPart {
    /// The whole is fetched.
    #[default]
    Refetch,
    /// The rest is asked for; if the origin answers with a part, the whole is fetched after all.
    Complete,
}

/// What a shared cache does with `Surrogate-Key`, `xkey`, `Cache-Tag` and `Edge-Cache-Tag`, which name
/// [tags](crate::store::Tag). A cache of one user has no use for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TagFields {
    /// It stores the tags, by which the responses can be purged.
    #[default]
    Read,
    /// It leaves them unread.
    Ignored,
}

/// What is done with `No-Vary-Search` (draft-ietf-httpbis-no-vary-search).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoVarySearch {
    /// A response also answers targets that differ from its own in what does not matter to it.
    #[default]
    Obeyed,
    /// A response answers its own target alone.
    Ignored,
}

/// The rules' inputs besides the fields.
///
/// ```
/// use std::time::Duration;
///
/// use http_cache_db::policy::{Mode, Policy};
///
/// let policy = Policy::new(Mode::Private).with_max_ttl(Duration::from_secs(3_600));
/// assert_eq!(policy.default_ttl, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Whom the cache serves. Default: several users.
    pub mode: Mode,
    /// The lifetime of responses that state none, in place of a heuristic one. Default: none.
    pub default_ttl: Option<Duration>,
    /// The least lifetime of a stored response. Default: none.
    pub min_ttl: Option<Duration>,
    /// The greatest lifetime of a stored response. Default: none.
    pub max_ttl: Option<Duration>,
    /// Directives of responses that do not count. Default: none.
    pub ignored: Vec<Directive>,
    /// Whether only stored responses are served: what is missing or must be validated is answered with 504,
    /// as if every request said `only-if-cached`. Default: false.
    pub only_if_cached: bool,
    /// Whether the origin is out of reach: stored responses are served, also stale ones where that is not
    /// forbidden; the rest is answered with 504. Default: false.
    pub offline: bool,
    /// What a shared cache does with a stored `Set-Cookie`. Default: it is withheld.
    pub set_cookie: SetCookie,
    /// What is done with a stored part without a strong validator. Default: the whole is fetched.
    pub unvalidated_part: UnvalidatedPart,
    /// Whether a stale response also takes the place of a 500, 502, 503 or 504 to which no `stale-if-error`
    /// applies. Default: false.
    pub stale_on_error: bool,
    /// What a shared cache does with the fields that name tags. Default: it reads them.
    pub tag_fields: TagFields,
    /// What is done with `No-Vary-Search`. Default: it is obeyed.
    pub no_vary_search: NoVarySearch,
}

impl Policy {
    /// The rules for a cache that serves `mode`.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }

    /// Sets [`default_ttl`](Self::default_ttl).
    #[must_use]
    pub const fn with_default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl = Some(ttl);
        self
    }

    /// Sets [`min_ttl`](Self::min_ttl).
    #[must_use]
    pub const fn with_min_ttl(mut self, ttl: Duration) -> Self {
        self.min_ttl = Some(ttl);
        self
    }

    /// Sets [`max_ttl`](Self::max_ttl).
    #[must_use]
    pub const fn with_max_ttl(mut self, ttl: Duration) -> Self {
        self.max_ttl = Some(ttl);
        self
    }

    /// Adds to [`ignored`](Self::ignored).
    #[must_use]
    pub fn ignoring(mut self, directive: Directive) -> Self {
        self.ignored.push(directive);
        self
    }

    /// Sets [`set_cookie`](Self::set_cookie).
    #[must_use]
    pub const fn with_set_cookie(mut self, set_cookie: SetCookie) -> Self {
        self.set_cookie = set_cookie;
        self
    }

    /// Sets [`unvalidated_part`](Self::unvalidated_part).
    #[must_use]
    pub const fn with_unvalidated_part(mut self, part: UnvalidatedPart) -> Self {
        self.unvalidated_part = part;
        self
    }

    /// Sets [`only_if_cached`](Self::only_if_cached).
    #[must_use]
    pub const fn only_if_cached(mut self) -> Self {
        self.only_if_cached = true;
        self
    }

    /// Sets [`offline`](Self::offline).
    #[must_use]
    pub const fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// Sets [`stale_on_error`](Self::stale_on_error).
    #[must_use]
    pub const fn stale_on_error(mut self) -> Self {
        self.stale_on_error = true;
        self
    }

    /// Sets [`no_vary_search`](Self::no_vary_search).
    #[must_use]
    pub const fn with_no_vary_search(mut self, no_vary_search: NoVarySearch) -> Self {
        self.no_vary_search = no_vary_search;
        self
    }

    /// Sets [`tag_fields`](Self::tag_fields).
    #[must_use]
    pub const fn with_tag_fields(mut self, tag_fields: TagFields) -> Self {
        self.tag_fields = tag_fields;
        self
    }

    /// Whether fields besides `Cache-Groups` give a response tags.
    #[must_use]
    pub fn reads_tag_fields(&self) -> bool {
        self.is_shared() && self.tag_fields == TagFields::Read
    }

    /// Which fields give the directives: a shared cache stands for the CDN that RFC 9213 addresses.
    #[must_use]
    pub const fn targeted_fields(&self) -> TargetedFields {
        match self.mode {
            Mode::Shared => TargetedFields::Cdn,
            Mode::Private => TargetedFields::Ignored,
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.mode == Mode::Shared
    }
}
