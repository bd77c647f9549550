//! Looking up responses and bodies: copies in memory first, if the store keeps any, and then the file.

use std::sync::Arc;

use store_core::Result;

use super::copies::Lookup;
use super::shared::Shared;
use crate::keys::TargetKey;
use crate::store::{ContentId, StoredBody, Variant};

impl Shared {
    /// The responses of a target.
    pub(super) fn variants(self: &Arc<Self>, target: TargetKey) -> Result<Vec<Variant>> {
        let opened = self.opened("variants")?;
        let looked_up = opened.copies.as_ref().and_then(|copies| {
            // If that fails, reading the file says why.
            let looked_up = copies.variants(&opened.database, target).ok()?;
            Some((copies, looked_up))
        });
        if let Some((_, Lookup::Found(variants))) = &looked_up {
            return Ok(variants.to_vec());
        }
        let reader = &self.reader;
        let found = self.read("variants", |db, opened| reader.variants(db, opened, target))?;
        if let Some((copies, Lookup::Missing(position))) = looked_up {
            copies.keep_variants(target, position, &found);
        }
        Ok(found)
    }

    /// A body.
    pub(super) fn body(self: &Arc<Self>, content: ContentId) -> Result<Option<StoredBody>> {
        let opened = self.opened("body")?;
        if let Some(copies) = &opened.copies
            && let Some(body) = copies.body(content)
        {
            return Ok(Some(StoredBody::Whole(body)));
        }
        let found = self.read("body", |db, _| self.reader.body(db, content))?;
        if let (Some(copies), Some(StoredBody::Whole(body))) = (&opened.copies, &found) {
            copies.keep_body(content, body);
        }
        Ok(found)
    }
}
