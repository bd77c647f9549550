//! An invented catalogue in the API's shape, with its quirks; one seed always makes the same.
//!
//! Details are written when asked for, the rows of a list when the list is first asked for.

mod comics;
mod dice;
mod draft;
mod link;
mod naming;
mod people;
mod screen;
mod text;
mod things;
mod words;
mod world;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::value::to_raw_value;

use self::draft::{Draft, Shape};
use self::world::{Index, World};
use super::{Catalog, Record, Row};
use crate::envelope::ApiStatus;
use crate::resource::Kind;

/// The catalogue of one seed.
#[derive(Debug)]
pub(crate) struct Seeded {
    world: World,
    rows: [OnceLock<Vec<Row>>; Kind::COUNT],
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            world: World::new(seed),
            rows: [const { OnceLock::new() }; Kind::COUNT],
        }
    }

    fn record(&self, kind: Kind, index: Index, shape: Shape) -> Record {
        let mut draft = Draft::new(&self.world, kind, index, shape);
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
            Kind::Concept | Kind::Location | Kind::Object => things::thing,
            Kind::Movie => screen::movie,
            Kind::Series => screen::series,
            Kind::Episode => screen::episode,
            Kind::Video => screen::video,
            Kind::VideoType | Kind::VideoCategory => screen::video_kind,
            Kind::Promo => screen::promo,
        };
        write(&mut draft);
        draft.finish()
    }

    fn row(&self, kind: Kind, index: Index) -> Row {
        // Some promos are an empty array in lists, and all right by themselves.
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
        let index = self.world.index(kind, id)?;
        Some(Arc::new(self.record(kind, index, Shape::Detail)))
    }

    fn detail_ids(&self, kind: Kind) -> Vec<u64> {
        let indices = 0..self.world.count(kind);
        indices.map(|index| World::id(kind, index)).collect()
    }

    fn rows(&self, kind: Kind) -> &[Row] {
        self.rows.get(kind as usize).map_or(&[], |rows| {
            rows.get_or_init(|| {
                (0..self.world.count(kind))
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
