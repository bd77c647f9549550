//! The builder of a generated record.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::field_order;
use super::graph::{EntityGraph, Index, RngStream};
use super::link::{self, Link};
use super::rng::SeededRng;
use super::text;
use crate::catalog::record::{Field, Record};
use crate::resource::Kind;

/// The shape of a record: a row of a list, which has no credits, or a detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Row,
    Detail,
}

/// A builder of one record, field by field.
#[derive(Debug)]
pub(crate) struct RecordBuilder<'a> {
    pub(crate) graph: &'a EntityGraph,
    pub(crate) kind: Kind,
    pub(crate) index: Index,
    shape: Shape,
    fields: Vec<Field>,
}

impl<'a> RecordBuilder<'a> {
    pub(crate) fn new(graph: &'a EntityGraph, kind: Kind, index: Index, shape: Shape) -> Self {
        Self {
            graph,
            kind,
            index,
            shape,
            fields: Vec::with_capacity(24),
        }
    }

    pub(crate) fn finish(mut self) -> Record {
        field_order::arrange(&mut self.fields, self.kind, self.shape);
        Record::new(self.fields)
    }

    pub(crate) fn rng(&self, topic: RngStream) -> SeededRng {
        self.graph.rng(self.kind, self.index, topic)
    }

    pub(crate) fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> &mut Self {
        // None of the values can fail to serialize: no maps with other keys than strings.
        let value = to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned());
        self.fields.push(Field {
            name: Cow::Borrowed(name),
            value,
        });
        self
    }

    pub(crate) fn null_field(&mut self, name: &'static str) -> &mut Self {
        self.field(name, &())
    }

    /// Adds a field that only details have.
    pub(crate) fn detail_field<T: Serialize>(
        &mut self,
        name: &'static str,
        value: impl FnOnce(&EntityGraph) -> T,
    ) -> &mut Self {
        if self.shape == Shape::Detail {
            let value = value(self.graph);
            self.field(name, &value);
        }
        self
    }

    /// Adds links that only details have.
    pub(crate) fn detail_links(
        &mut self,
        name: &'static str,
        kind: Kind,
        indexes: impl FnOnce(&EntityGraph) -> Vec<Index>,
    ) -> &mut Self {
        self.detail_field(name, |graph| link::all(graph, kind, indexes(graph)))
    }

    /// Adds `id`, `name` and both URLs.
    pub(crate) fn identity(&mut self) -> &mut Self {
        let (graph, kind, index) = (self.graph, self.kind, self.index);
        self.field(
            "api_detail_url",
            &link::api_url(kind.spec().detail, kind, index),
        )
        .field("id", &EntityGraph::id(kind, index))
        .field("name", &graph.name(kind, index))
        .field("site_detail_url", &link::site_url(graph, kind, index))
    }

    /// Adds `aliases`, `deck` and `description`.
    pub(crate) fn texts(&mut self) -> &mut Self {
        let aliases = text::aliases(&mut self.rng(RngStream::Aliases));
        self.field("aliases", &aliases).texts_without_aliases()
    }

    /// Adds `deck` and `description`.
    pub(crate) fn texts_without_aliases(&mut self) -> &mut Self {
        let mut rng = self.rng(RngStream::Text);
        let deck = text::deck(&mut rng);
        let description = text::description(self.graph, &mut rng);
        self.field("deck", &deck).field("description", &description)
    }

    /// Adds `date_added` and `date_last_updated`.
    pub(crate) fn timestamps(&mut self) -> &mut Self {
        let mut rng = self.rng(RngStream::Dates);
        let added = 2008 + rng.below(14);
        let (first, last) = (
            text::date_time(added, &mut rng),
            text::date_time(added + 1 + rng.below(3), &mut rng),
        );
        self.field("date_added", &first)
            .field("date_last_updated", &last)
    }

    pub(crate) fn image(&mut self) -> &mut Self {
        let number = self.rng(RngStream::Image).below(9_000_000);
        self.field("image", &text::Image::new(number))
    }

    /// Adds the first issue that the entity appears in, or null.
    pub(crate) fn first_issue(&mut self) -> &mut Self {
        let first = self
            .graph
            .issues_of(self.kind, self.index)
            .first()
            .map(|issue| Link::numbered_issue(self.graph, "first_appeared_in_issue", *issue));
        self.field("first_appeared_in_issue", &first)
    }

    /// Adds the number of issues that the entity appears in, under the kind's name for it.
    pub(crate) fn appearances(&mut self, name: &'static str) -> &mut Self {
        let count = self.graph.issues_of(self.kind, self.index).len();
        self.field(name, &count)
    }

    /// Adds the issues and volumes that the entity appears in.
    pub(crate) fn credits(&mut self, issues: &'static str) -> &mut Self {
        let (kind, index) = (self.kind, self.index);
        self.detail_links(issues, Kind::Issue, |graph| graph.issues_of(kind, index))
            .detail_links("volume_credits", Kind::Volume, |graph| {
                graph.volumes_of(kind, index).to_vec()
            })
    }

    /// Adds the movies that have the entity among theirs.
    pub(crate) fn movies(&mut self) -> &mut Self {
        let (kind, index) = (self.kind, self.index);
        self.detail_links("movies", Kind::Movie, |graph| {
            graph.filter(Kind::Movie, |movie| {
                graph.sample(Kind::Movie, movie, kind, 6).contains(&index)
            })
        })
    }
}
