//! Writing one record of the invented catalogue, field by field.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::dice::Dice;
use super::link::{self, Link};
use super::text;
use super::world::{Index, Topic, World};
use crate::catalog::record::{Field, Record};
use crate::resource::Kind;

/// Whether a record is for a list or for itself. Lists never carry credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Row,
    Detail,
}

/// A record on its way.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) world: &'a World,
    pub(crate) kind: Kind,
    pub(crate) index: Index,
    shape: Shape,
    fields: Vec<Field>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(world: &'a World, kind: Kind, index: Index, shape: Shape) -> Self {
        Self {
            world,
            kind,
            index,
            shape,
            fields: Vec::with_capacity(24),
        }
    }

    pub(crate) fn finish(self) -> Record {
        Record::new(self.fields)
    }

    pub(crate) fn dice(&self, topic: Topic) -> Dice {
        self.world.dice(self.kind, self.index, topic)
    }

    pub(crate) fn put<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> &mut Self {
        // Nothing put here can fail to serialise: no maps with odd keys, no foreign types.
        let value = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
        self.fields.push(Field {
            name: Cow::Borrowed(name),
            value,
        });
        self
    }

    pub(crate) fn null(&mut self, name: &'static str) -> &mut Self {
        self.put(name, &())
    }

    /// A field that rows of lists lack.
    pub(crate) fn detail<T: Serialize>(
        &mut self,
        name: &'static str,
        value: impl FnOnce(&World) -> T,
    ) -> &mut Self {
        if self.shape == Shape::Detail {
            let value = value(self.world);
            self.put(name, &value);
        }
        self
    }

    /// A list of links that rows of lists lack.
    pub(crate) fn links(
        &mut self,
        name: &'static str,
        kind: Kind,
        indexes: impl FnOnce(&World) -> Vec<Index>,
    ) -> &mut Self {
        self.detail(name, |world| link::all(world, kind, indexes(world)))
    }

    /// `id`, `name` and both URLs.
    pub(crate) fn identity(&mut self) -> &mut Self {
        let (world, kind, index) = (self.world, self.kind, self.index);
        self.put(
            "api_detail_url",
            &link::api_url(kind.spec().detail, kind, index),
        )
        .put("id", &World::id(kind, index))
        .put("name", &world.name(kind, index))
        .put("site_detail_url", &link::site_url(world, kind, index))
    }

    /// What editors write: aliases, a line, a page.
    pub(crate) fn prose(&mut self) -> &mut Self {
        let aliases = text::aliases(&mut self.dice(Topic::Aliases));
        self.put("aliases", &aliases).prose_without_aliases()
    }

    /// A line and a page.
    pub(crate) fn prose_without_aliases(&mut self) -> &mut Self {
        let mut dice = self.dice(Topic::Text);
        let deck = text::deck(&mut dice);
        let description = text::description(self.world, &mut dice);
        self.put("deck", &deck).put("description", &description)
    }

    /// When the record was made and last changed.
    pub(crate) fn stamps(&mut self) -> &mut Self {
        let mut dice = self.dice(Topic::Dates);
        let added = 2008 + dice.below(14);
        let (first, last) = (
            text::date_time(added, &mut dice),
            text::date_time(added + 1 + dice.below(3), &mut dice),
        );
        self.put("date_added", &first)
            .put("date_last_updated", &last)
    }

    pub(crate) fn image(&mut self) -> &mut Self {
        let number = self.dice(Topic::Image).below(9_000_000);
        self.put("image", &text::Image::new(number))
    }

    /// The issue that something was first seen in, or null.
    pub(crate) fn first_issue(&mut self) -> &mut Self {
        let first = self
            .world
            .issues_of(self.kind, self.index)
            .first()
            .map(|issue| Link::numbered_issue(self.world, "first_appeared_in_issue", *issue));
        self.put("first_appeared_in_issue", &first)
    }

    /// How many issues something appears in, under the name this resource has for it.
    pub(crate) fn appearances(&mut self, name: &'static str) -> &mut Self {
        let count = self.world.issues_of(self.kind, self.index).len();
        self.put(name, &count)
    }

    /// The issues, story arcs and volumes that something appears in.
    pub(crate) fn credits(&mut self, issues: &'static str) -> &mut Self {
        let (kind, index) = (self.kind, self.index);
        self.links(issues, Kind::Issue, |world| world.issues_of(kind, index))
            .links("volume_credits", Kind::Volume, |world| {
                world.volumes_of(kind, index).to_vec()
            })
    }

    /// The movies that something is in; movies tell the same.
    pub(crate) fn movies(&mut self) -> &mut Self {
        let (kind, index) = (self.kind, self.index);
        self.links("movies", Kind::Movie, |world| {
            world.those(Kind::Movie, |movie| {
                world.some(Kind::Movie, movie, kind, 6).contains(&index)
            })
        })
    }
}
