//! The invented world: how many of everything, under which ids, and what belongs to what.
//!
//! Everything is computed from the seed when asked; only who appears in which volume is drawn
//! once, so that both sides of a relation tell the same.

use super::dice::Dice;
use crate::resource::Kind;

/// Position of an object among those of its resource.
pub(crate) type Index = u32;

/// What a number is drawn for, so that two numbers of one object differ.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Topic {
    Size,
    Name,
    Cast,
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

/// What appears in issues, and about how many of each a volume has.
const CASTS: [(Kind, u32); 7] = [
    (Kind::Character, 10),
    (Kind::Person, 8),
    (Kind::Team, 3),
    (Kind::Location, 3),
    (Kind::Concept, 2),
    (Kind::Object, 2),
    (Kind::StoryArc, 2),
];

/// One seed's world.
#[derive(Debug)]
pub(crate) struct World {
    pub(super) seed: u64,
    /// The first issue of each volume, and the end.
    issues: Vec<Index>,
    /// The first episode of each series, and the end.
    episodes: Vec<Index>,
    casts: Vec<Cast>,
}

/// Who of one resource appears in which volume.
#[derive(Debug)]
struct Cast {
    kind: Kind,
    by_volume: Vec<Vec<Index>>,
    volumes_of: Vec<Vec<Index>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut world = Self {
            seed,
            issues: Vec::new(),
            episodes: Vec::new(),
            casts: Vec::new(),
        };
        world.issues = world.starts(Kind::Volume, VOLUMES, 42);
        world.episodes = world.starts(Kind::Series, SERIES, 30);
        world.casts = CASTS
            .iter()
            .map(|(kind, size)| world.cast(*kind, *size))
            .collect();
        world
    }

    fn starts(&self, kind: Kind, count: Index, largest: u32) -> Vec<Index> {
        let sizes = (0..count).map(|index| {
            let mut dice = self.dice(kind, index, Topic::Size);
            // Some volumes hold nothing yet.
            if dice.percent(4) {
                0
            } else {
                1 + dice.below(largest)
            }
        });
        let mut end = 0;
        let ends = sizes.map(|size| {
            end += size;
            end
        });
        std::iter::once(0).chain(ends).collect()
    }

    fn cast(&self, kind: Kind, size: u32) -> Cast {
        let mut volumes_of = vec![Vec::new(); self.count(kind) as usize];
        let mut by_volume = Vec::with_capacity(VOLUMES as usize);
        for volume in 0..VOLUMES {
            let mut dice = self.dice(Kind::Volume, volume, Topic::Cast);
            let mut dice = Dice::new(&[u64::from(dice.below(u32::MAX)), kind as u64]);
            let wanted = 1 + dice.below(2 * size - 1);
            let mut members: Vec<Index> =
                (0..wanted).map(|_| dice.below(self.count(kind))).collect();
            members.sort_unstable();
            members.dedup();
            for member in &members {
                if let Some(volumes) = volumes_of.get_mut(*member as usize) {
                    volumes.push(volume);
                }
            }
            by_volume.push(members);
        }
        Cast {
            kind,
            by_volume,
            volumes_of,
        }
    }

    pub(crate) fn dice(&self, kind: Kind, index: Index, topic: Topic) -> Dice {
        Dice::new(&[self.seed, kind as u64, u64::from(index), topic as u64])
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

    /// Ids have gaps where the real ones do, for a request may well name a deleted object.
    pub(crate) fn id(kind: Kind, index: Index) -> u64 {
        let (first, step) = numbering(kind);
        first + step * u64::from(index)
    }

    pub(crate) fn index(&self, kind: Kind, id: u64) -> Option<Index> {
        let (first, step) = numbering(kind);
        let beyond = id.checked_sub(first)?;
        let index = Index::try_from(beyond / step).ok()?;
        (beyond % step == 0 && index < self.count(kind)).then_some(index)
    }

    pub(crate) fn issues_in(&self, volume: Index) -> std::ops::Range<Index> {
        span(&self.issues, volume)
    }

    pub(crate) fn episodes_in(&self, series: Index) -> std::ops::Range<Index> {
        span(&self.episodes, series)
    }

    pub(crate) fn volume_of(&self, issue: Index) -> Index {
        owner(&self.issues, issue)
    }

    pub(crate) fn series_of(&self, episode: Index) -> Index {
        owner(&self.episodes, episode)
    }

    /// Who of `kind` appears in a volume.
    pub(crate) fn in_volume(&self, kind: Kind, volume: Index) -> &[Index] {
        self.casts
            .iter()
            .find(|cast| cast.kind == kind)
            .and_then(|cast| cast.by_volume.get(volume as usize))
            .map_or(&[], Vec::as_slice)
    }

    /// The volumes that an object appears in.
    pub(crate) fn volumes_of(&self, kind: Kind, index: Index) -> &[Index] {
        self.casts
            .iter()
            .find(|cast| cast.kind == kind)
            .and_then(|cast| cast.volumes_of.get(index as usize))
            .map_or(&[], Vec::as_slice)
    }

    /// Who of `kind` appears in an issue.
    pub(crate) fn in_issue(&self, kind: Kind, issue: Index) -> Vec<Index> {
        self.in_volume(kind, self.volume_of(issue))
            .iter()
            .copied()
            .filter(|member| self.appears(kind, *member, issue))
            .collect()
    }

    /// The issues that an object appears in.
    pub(crate) fn issues_of(&self, kind: Kind, index: Index) -> Vec<Index> {
        self.volumes_of(kind, index)
            .iter()
            .flat_map(|volume| self.issues_in(*volume))
            .filter(|issue| self.appears(kind, index, *issue))
            .collect()
    }

    fn appears(&self, kind: Kind, index: Index, issue: Index) -> bool {
        let place = [
            self.seed,
            kind as u64,
            u64::from(index),
            u64::from(issue),
            Topic::Appearance as u64,
        ];
        Dice::new(&place).percent(40)
    }

    /// A few of `kind` that an object is related to, for relations told from one side only.
    pub(crate) fn some(&self, of: Kind, index: Index, kind: Kind, most: u32) -> Vec<Index> {
        let mut dice = self.dice(of, index, Topic::Relations);
        let mut dice = Dice::new(&[u64::from(dice.below(u32::MAX)), kind as u64]);
        let mut some: Vec<Index> = (0..dice.below(most + 1))
            .map(|_| dice.below(self.count(kind)))
            .collect();
        some.sort_unstable();
        some.dedup();
        some
    }

    /// The one of `kind` that an object belongs to.
    pub(crate) fn one(&self, of: Kind, index: Index, kind: Kind) -> Index {
        let mut dice = self.dice(of, index, Topic::Relations);
        Dice::new(&[u64::from(dice.below(u32::MAX)), 1 + kind as u64]).below(self.count(kind))
    }

    /// Those of `of` that belong to, or have among theirs, this one of `kind`.
    pub(crate) fn those(&self, of: Kind, has: impl Fn(Index) -> bool) -> Vec<Index> {
        (0..self.count(of)).filter(|index| has(*index)).collect()
    }
}

fn numbering(kind: Kind) -> (u64, u64) {
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

fn span(starts: &[Index], owner: Index) -> std::ops::Range<Index> {
    let at = |index: usize| starts.get(index).copied().unwrap_or(0);
    at(owner as usize)..at(owner as usize + 1)
}

/// The last owner whose first is not beyond `owned`, which skips owners of nothing.
fn owner(starts: &[Index], owned: Index) -> Index {
    let after = starts.partition_point(|start| *start <= owned);
    Index::try_from(after.saturating_sub(1)).unwrap_or(0)
}
