//! Readable keys from an entity, a tenant and parameters.

use std::fmt::{Display, Write as _};

use sha2::{Digest, Sha256};

use super::{Key, MAX_KEY_BYTES};
use crate::error::{Error, Result};
use crate::hash::{is_secret, to_hex};
use crate::tag::Tag;

/// What separates the parts of a key, and what escapes and hashes begin with.
const RESERVED: [char; 5] = [':', '&', '=', '%', '#'];

/// Builds the keys of one kind of entity, for one tenant or for none: `project:acme:42` for the entity 42, and
/// `project:acme:list:page=1&status=active` for a list of entities.
///
/// Different parts give different keys: `:`, `&`, `=`, `%`, `#` and control characters within a part are
/// percent-encoded, and what does not fit into [`MAX_KEY_BYTES`] is replaced by `#` and its SHA-256. Parameters
/// are sorted by name; those that carry secrets (`api_key`, `token` and the like) are refused.
///
/// All lists of an entity carry one tag, so that a change of any of its entities invalidates them
/// together, whatever their parameters are.
///
/// ```
/// use store_core::{HOUR, KeyBuilder, NewEntry};
///
/// let projects = KeyBuilder::new("project")?.with_tenant("acme")?;
/// assert_eq!(projects.id("42")?.as_str(), "project:acme:42");
///
/// let key = projects.list([("status", "active"), ("page", "1")])?;
/// assert_eq!(key.as_str(), "project:acme:list:page=1&status=active");
/// let list = NewEntry::unconditional(key, "[]")
///     .with_ttl(HOUR)
///     .with_tags([projects.list_tag()?]);
/// assert_eq!(list.tags[0].as_str(), "project:acme:list");
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBuilder {
    entity: String,
    tenant: Option<String>,
}

impl KeyBuilder {
    /// Keys of `entity`, which becomes their [`Scope`](super::Scope), without a tenant.
    ///
    /// # Errors
    /// `InvalidInput` if `entity` is empty.
    pub fn new(entity: impl AsRef<str>) -> Result<Self> {
        Ok(Self {
            entity: escape("entity", entity.as_ref())?,
            tenant: None,
        })
    }

    /// Sets the tenant.
    ///
    /// # Errors
    /// `InvalidInput` if `tenant` is empty.
    pub fn with_tenant(mut self, tenant: impl AsRef<str>) -> Result<Self> {
        self.tenant = Some(escape("tenant", tenant.as_ref())?);
        Ok(self)
    }

    /// The key of one entity.
    ///
    /// # Errors
    /// `InvalidInput` if `id` is empty, or entity and tenant are too long.
    pub fn id(&self, id: impl AsRef<str>) -> Result<Key> {
        self.key("", escape("id", id.as_ref())?)
    }

    /// The key of a list of entities.
    ///
    /// Give every parameter that the list depends on: two lists under one key replace each other.
    ///
    /// # Errors
    /// `InvalidInput` if the name of a parameter is empty or one of a secret, or entity and tenant are too long.
    pub fn list<N, V>(&self, parameters: impl IntoIterator<Item = (N, V)>) -> Result<Key>
    where
        N: AsRef<str>,
        V: Display,
    {
        let mut pairs = Vec::new();
        for (name, value) in parameters {
            if is_secret(name.as_ref()) {
                let detail = "carries a secret, which no key may hold; leave it out, and give its owner a tenant";
                return Err(Error::invalid("parameter", detail).with_key(name.as_ref()));
            }
            let name = escape("parameter", name.as_ref())?;
            pairs.push((name, escaped(&value.to_string())));
        }
        // The order of values of one name stays: it may matter.
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let pairs: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.key("list:", pairs.join("&"))
    }

    /// The tag that every list of this entity and tenant is to carry.
    ///
    /// # Errors
    /// `InvalidInput` if entity and tenant are too long.
    pub fn list_tag(&self) -> Result<Tag> {
        Tag::new(format!("{}list", self.prefix()))
    }

    fn key(&self, kind: &str, rest: String) -> Result<Key> {
        let key = format!("{}{kind}{rest}", self.prefix());
        if key.len() <= MAX_KEY_BYTES {
            return Key::new(key);
        }
        let hash = to_hex(&Sha256::digest(rest));
        Key::new(format!("{}{kind}#{hash}", self.prefix()))
    }

    fn prefix(&self) -> String {
        let Self { entity, tenant } = self;
        match tenant {
            Some(tenant) => format!("{entity}:{tenant}:"),
            None => format!("{entity}:"),
        }
    }
}

fn escape(what: &'static str, part: &str) -> Result<String> {
    if part.is_empty() {
        return Err(Error::invalid(what, "must not be empty"));
    }
    Ok(escaped(part))
}

fn escaped(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut bytes = [0; 4];
    for character in part.chars() {
        if !RESERVED.contains(&character) && !character.is_control() {
            out.push(character);
            continue;
        }
        for byte in character.encode_utf8(&mut bytes).bytes() {
            // Writing to a string cannot fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn issues() -> Result<KeyBuilder> {
        KeyBuilder::new("issue")?.with_tenant("acme")
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() -> Result<()> {
        let one = issues()?.list([("b", 1), ("a", 2)])?;
        assert_eq!(one, issues()?.list([("a", 2), ("b", 1)])?);
        Ok(())
    }

    // covers("D4", "D12")
    #[test]
    fn parts_that_hold_separators_give_keys_of_their_own() -> Result<()> {
        let none = KeyBuilder::new("issue")?;
        let keys = [
            none.id("acme:1")?,
            issues()?.id("1")?,
            issues()?.id("list")?,
            issues()?.id("list:a=1")?,
            issues()?.list([("a", "1")])?,
            issues()?.list([("a", "1&b=2")])?,
            issues()?.list([("a", "1"), ("b", "2")])?,
            issues()?.list([("a", "%31")])?,
            issues()?.list::<&str, &str>([])?,
            none.list([("a", "1")])?,
            KeyBuilder::new("issue:acme")?.id("1")?,
            KeyBuilder::new("issue")?.with_tenant("list")?.id("a=1")?,
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
        Ok(())
    }

    #[test]
    fn what_is_too_long_is_hashed() -> Result<()> {
        let long = |last: &str| format!("{}{last}", "x".repeat(MAX_KEY_BYTES));
        let one = issues()?.list([("name", long("1"))])?;
        assert!(one.as_str().starts_with("issue:acme:list:#"), "{one}");
        assert_ne!(one, issues()?.list([("name", long("2"))])?);
        assert_ne!(issues()?.id(long("1"))?, issues()?.id(long("2"))?);
        // What looks like the hash is an id like any other.
        let hash = one.as_str().trim_start_matches("issue:acme:list:");
        assert_ne!(issues()?.id(hash)?.as_str(), format!("issue:acme:{hash}"));
        Ok(())
    }

    #[test]
    fn secrets_are_refused() -> Result<()> {
        for name in ["API_KEY", "token", "authorization"] {
            let error = issues()?
                .list([(name, "s3cret"), ("page", "1")])
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        Ok(())
    }

    #[test]
    fn the_order_of_values_of_one_name_matters() -> Result<()> {
        let one = issues()?.list([("sort", "name"), ("sort", "date")])?;
        assert_ne!(one, issues()?.list([("sort", "date"), ("sort", "name")])?);
        Ok(())
    }

    #[test]
    fn empty_parts_are_refused() -> Result<()> {
        assert!(KeyBuilder::new("").is_err());
        assert!(KeyBuilder::new("issue")?.with_tenant("").is_err());
        assert!(issues()?.id("").is_err());
        assert!(issues()?.list([("", "1")]).is_err());
        assert_eq!(issues()?.list([("a", "")])?.as_str(), "issue:acme:list:a=");
        Ok(())
    }
}
