//! The generated entities: their numbers, ids and relations.
//!
//! Everything is computed from the seed on demand, except the members of volumes, which are computed
//! once so that both sides of the relation agree.

use super::rng::SeededRng;
use crate::resource::Kind;

/// The position of an entity among those of its kind.
pub(crate) type Index = u32;

/// The purpose of random numbers; each has its own stream per entity.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RngStream {
    Size,
    Name,
    VolumeMembers,
    Appearance,
    Aliases,
    Text,
    Dates,
    Facts,
    Relations,
    Image,
}

const VOLUMES: Index = 240;
const SERIES: Index = 12;

/// The kinds that appear in issues, and about how many of each a volume has.
const MEMBERS_PER_VOLUME: [(Kind, u32); 7] = [
    (Kind::Character, 10),
    (Kind::Person, 8),
    (Kind::Team, 3),
    (Kind::Location, 3),
    (Kind::Concept, 2),
    (Kind::Object, 2),
    (Kind::StoryArc, 2),
];

/// The entities of one seed.
#[derive(Debug)]
pub(crate) struct EntityGraph {
    pub(super) seed: u64,
    /// The index of the first issue of each volume, and the end.
    issues: Vec<Index>,
    /// The index of the first episode of each series, and the end.
    episodes: Vec<Index>,
    members: Vec<Members>,
}

/// The entities of one kind that appear in volumes, in both directions.
#[derive(Debug)]
struct Members {
    kind: Kind,
    by_volume: Vec<Vec<Index>>,
    volumes_of: Vec<Vec<Index>>,
}

impl EntityGraph {
    pub(crate) fn new(seed: u64) -> Self {
        let mut graph = Self {
            seed,
            issues: Vec::new(),
            episodes: Vec::new(),
            members: Vec::new(),
        };
        graph.issues = graph.first_indexes(Kind::Volume, VOLUMES, 42);
        graph.episodes = graph.first_indexes(Kind::Series, SERIES, 30);
        graph.members = MEMBERS_PER_VOLUME
            .iter()
            .map(|(kind, size)| graph.members_of_kind(*kind, *size))
            .collect();
        graph
    }

    fn first_indexes(&self, kind: Kind, count: Index, max_size: u32) -> Vec<Index> {
        let sizes = (0..count).map(|index| {
            let mut rng = self.rng(kind, index, RngStream::Size);
            // Some volumes are empty.
            if rng.percent(4) {
                0
            } else {
                1 + rng.below(max_size)
            }
        });
        let mut end = 0;
        let ends = sizes.map(|size| {
            end += size;
            end
        });
        std::iter::once(0).chain(ends).collect()
    }

    fn members_of_kind(&self, kind: Kind, size: u32) -> Members {
        let mut volumes_of = vec![Vec::new(); self.count(kind) as usize];
        let mut by_volume = Vec::with_capacity(VOLUMES as usize);
        for volume in 0..VOLUMES {
            let mut rng = self.rng(Kind::Volume, volume, RngStream::VolumeMembers);
            let mut rng = SeededRng::new(&[u64::from(rng.below(u32::MAX)), kind as u64]);
            let size = 1 + rng.below(2 * size - 1);
            let mut members: Vec<Index> = (0..size).map(|_| rng.below(self.count(kind))).collect();
            members.sort_unstable();
            members.dedup();
            for member in &members {
                if let Some(volumes) = volumes_of.get_mut(*member as usize) {
                    volumes.push(volume);
                }
            }
            by_volume.push(members);
        }
        Members {
            kind,
            by_volume,
            volumes_of,
        }
    }

    pub(crate) fn rng(&self, kind: Kind, index: Index, stream: RngStream) -> SeededRng {
        SeededRng::new(&[self.seed, kind as u64, u64::from(index), stream as u64])
    }

    pub(crate) fn count(&self, kind: Kind) -> Index {
        match kind {
            Kind::Issue => self.issues.last().copied().unwrap_or(0),
            Kind::Episode => self.episodes.last().copied().unwrap_or(0),
            Kind::Volume => VOLUMES,
            Kind::Series => SERIES,
            Kind::Character => 600,
            Kind::Person => 200,
            Kind::Team => 120,
            Kind::Video => 150,
            Kind::Location | Kind::Object => 90,
            Kind::StoryArc => 80,
            Kind::Concept | Kind::Power => 60,
            Kind::Movie => 40,
            Kind::Publisher => 24,
            Kind::Promo => 15,
            Kind::Origin => 10,
            Kind::VideoCategory | Kind::VideoType => 8,
        }
    }

    /// Ids have gaps like the real ones, where objects were deleted.
    pub(crate) fn id(kind: Kind, index: Index) -> u64 {
        let (first, step) = id_sequence(kind);
        first + step * u64::from(index)
    }

    pub(crate) fn index(&self, kind: Kind, id: u64) -> Option<Index> {
        let (first, step) = id_sequence(kind);
        let distance = id.checked_sub(first)?;
        let index = Index::try_from(distance / step).ok()?;
        (distance % step == 0 && index < self.count(kind)).then_some(index)
    }

    pub(crate) fn issues_of_volume(&self, volume: Index) -> std::ops::Range<Index> {
        range(&self.issues, volume)
    }

    pub(crate) fn episodes_of_series(&self, series: Index) -> std::ops::Range<Index> {
        range(&self.episodes, series)
    }

    pub(crate) fn volume_of(&self, issue: Index) -> Index {
        owner(&self.issues, issue)
    }

    pub(crate) fn series_of(&self, episode: Index) -> Index {
        owner(&self.episodes, episode)
    }

    /// The entities of `kind` in a volume.
    pub(crate) fn members_of_volume(&self, kind: Kind, volume: Index) -> &[Index] {
        self.members
            .iter()
            .find(|members| members.kind == kind)
            .and_then(|members| members.by_volume.get(volume as usize))
            .map_or(&[], Vec::as_slice)
    }

    /// The volumes that an entity appears in.
    pub(crate) fn volumes_of(&self, kind: Kind, index: Index) -> &[Index] {
        self.members
            .iter()
            .find(|members| members.kind == kind)
            .and_then(|members| members.volumes_of.get(index as usize))
            .map_or(&[], Vec::as_slice)
    }

    /// The entities of `kind` in an issue.
    pub(crate) fn members_of_issue(&self, kind: Kind, issue: Index) -> Vec<Index> {
        self.members_of_volume(kind, self.volume_of(issue))
            .iter()
            .copied()
            .filter(|member| self.appears(kind, *member, issue))
            .collect()
    }

    /// The issues that an entity appears in.
    pub(crate) fn issues_of(&self, kind: Kind, index: Index) -> Vec<Index> {
        self.volumes_of(kind, index)
            .iter()
            .flat_map(|volume| self.issues_of_volume(*volume))
            .filter(|issue| self.appears(kind, index, *issue))
            .collect()
    }

    fn appears(&self, kind: Kind, index: Index, issue: Index) -> bool {
        let coordinates = [
            self.seed,
            kind as u64,
            u64::from(index),
            u64::from(issue),
            RngStream::Appearance as u64,
        ];
        SeededRng::new(&coordinates).percent(40)
    }

    /// Up to `max` entities of `kind` that an entity is related to.
    pub(crate) fn sample(&self, of: Kind, index: Index, kind: Kind, max: u32) -> Vec<Index> {
        let mut rng = self.rng(of, index, RngStream::Relations);
        let mut rng = SeededRng::new(&[u64::from(rng.below(u32::MAX)), kind as u64]);
        let mut sample: Vec<Index> = (0..rng.below(max + 1))
            .map(|_| rng.below(self.count(kind)))
            .collect();
        sample.sort_unstable();
        sample.dedup();
        sample
    }

    /// The entity of `kind` that an entity belongs to.
    pub(crate) fn pick(&self, of: Kind, index: Index, kind: Kind) -> Index {
        let mut rng = self.rng(of, index, RngStream::Relations);
        SeededRng::new(&[u64::from(rng.below(u32::MAX)), 1 + kind as u64]).below(self.count(kind))
    }

    /// The entities of `of` for which `has` returns true.
    pub(crate) fn filter(&self, of: Kind, has: impl Fn(Index) -> bool) -> Vec<Index> {
        (0..self.count(of)).filter(|index| has(*index)).collect()
    }
}

fn id_sequence(kind: Kind) -> (u64, u64) {
    match kind {
        Kind::Issue => (4_001, 3),
        Kind::Volume => (701, 3),
        Kind::Character => (1_251, 2),
        Kind::Person => (1_201, 2),
        Kind::Team => (3_001, 5),
        Kind::StoryArc | Kind::Location | Kind::Concept | Kind::Object => (40_001, 3),
        Kind::Video | Kind::Promo => (1_701, 2),
        Kind::Episode
        | Kind::Movie
        | Kind::Origin
        | Kind::Power
        | Kind::Publisher
        | Kind::Series
        | Kind::VideoCategory
        | Kind::VideoType => (1, 1),
    }
}

fn range(starts: &[Index], owner: Index) -> std::ops::Range<Index> {
    let at = |index: usize| starts.get(index).copied().unwrap_or(0);
    at(owner as usize)..at(owner as usize + 1)
}

/// The owner of `owned`: the last whose first index is not greater, which skips empty owners.
fn owner(starts: &[Index], owned: Index) -> Index {
    let after = starts.partition_point(|start| *start <= owned);
    Index::try_from(after.saturating_sub(1)).unwrap_or(0)
}
