//! A generated catalogue with the shape and quirks of the API's data, deterministic by seed.
//!
//! Details are generated on demand, the rows of a list on its first use.

mod comics;
mod concepts;
mod field_order;
mod graph;
mod link;
mod media;
mod names;
mod people;
mod record_builder;
mod rng;
mod text;
mod vocabulary;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::value::to_raw_value;

use self::graph::{EntityGraph, Index};
use self::record_builder::{RecordBuilder, Shape};
use super::{Catalog, Record, Row};
use crate::envelope::ApiStatus;
use crate::resource::Kind;

/// The catalogue generated from one seed.
#[derive(Debug)]
pub(crate) struct Seeded {
    graph: EntityGraph,
    rows: [OnceLock<Vec<Row>>; Kind::COUNT],
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            graph: EntityGraph::new(seed),
            rows: [const { OnceLock::new() }; Kind::COUNT],
        }
    }

    fn record(&self, kind: Kind, index: Index, shape: Shape) -> Record {
        let mut record = RecordBuilder::new(&self.graph, kind, index, shape);
        let write = match kind {
            Kind::Issue => comics::issue,
            Kind::Volume => comics::volume,
            Kind::StoryArc => comics::story_arc,
            Kind::Publisher => comics::publisher,
            Kind::Character => people::character,
            Kind::Person => people::person,
            Kind::Team => people::team,
            Kind::Origin => people::origin,
            Kind::Power => people::power,
            Kind::Concept | Kind::Location | Kind::Object => concepts::concept,
            Kind::Movie => media::movie,
            Kind::Series => media::series,
            Kind::Episode => media::episode,
            Kind::Video => media::video,
            Kind::VideoType | Kind::VideoCategory => media::video_category,
            Kind::Promo => media::promo,
        };
        write(&mut record);
        record.finish()
    }

    fn row(&self, kind: Kind, index: Index) -> Row {
        // In lists some promos are an empty array, as in the API; their details are normal.
        if kind == Kind::Promo
            && index % 5 == 3
            && let Ok(empty) = to_raw_value(&[(); 0])
        {
            return Row::Bare(empty);
        }
        Row::Record(self.record(kind, index, Shape::Row))
    }
}

impl Catalog for Seeded {
    fn detail(&self, kind: Kind, id: u64) -> Option<Arc<Record>> {
        let index = self.graph.index(kind, id)?;
        Some(Arc::new(self.record(kind, index, Shape::Detail)))
    }

    fn detail_ids(&self, kind: Kind) -> Vec<u64> {
        let indices = 0..self.graph.count(kind);
        indices.map(|index| EntityGraph::id(kind, index)).collect()
    }

    fn rows(&self, kind: Kind) -> &[Row] {
        self.rows.get(kind as usize).map_or(&[], |rows| {
            rows.get_or_init(|| {
                (0..self.graph.count(kind))
                    .map(|index| self.row(kind, index))
                    .collect()
            })
        })
    }

    fn types(&self) -> Option<&[Row]> {
        None
    }

    fn error_body(&self, _: ApiStatus) -> Option<Bytes> {
        None
    }
}

#[cfg(test)]
mod tests;
