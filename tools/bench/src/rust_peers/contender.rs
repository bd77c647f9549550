//! Who takes part, in what, and what each does not do.

use serde::{Deserialize, Serialize};

use crate::scale::SIZES;

/// A kind of store.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Group {
    Memory,
    Limiter,
    File,
    /// A part of its own: `cargo xtask bench layers`.
    #[value(skip)]
    Layers,
}

/// One store.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Contender {
    OurMemory,
    Moka,
    QuickCache,
    Foyer,
    OurLimiter,
    Governor,
    LeakyBucket,
    OurFile,
    RedbSynced,
    RedbUnsynced,
    Fjall,
    Traced,
    CircuitBreaker,
    Scoped,
    Routed,
    Compressed,
    Encrypted,
    TieredFile,
    AllLayers,
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Memory, Self::Limiter, Self::File];

    pub(super) const fn contenders(self) -> &'static [Contender] {
        match self {
            Self::Memory => &[
                Contender::OurMemory,
                Contender::Moka,
                Contender::QuickCache,
                Contender::Foyer,
            ],
            Self::Layers => &[
                Contender::OurMemory,
                Contender::Traced,
                Contender::CircuitBreaker,
                Contender::Scoped,
                Contender::Routed,
                Contender::Compressed,
                Contender::Encrypted,
                Contender::TieredFile,
                Contender::AllLayers,
                Contender::Moka,
            ],
            Self::Limiter => &[
                Contender::OurLimiter,
                Contender::Governor,
                Contender::LeakyBucket,
            ],
            Self::File => &[
                Contender::OurFile,
                Contender::Fjall,
                Contender::RedbUnsynced,
                Contender::RedbSynced,
            ],
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Memory => "Caches in memory",
            Self::Limiter => "Rate limiters in memory",
            Self::File => "Caches in a file",
            Self::Layers => "Layers",
        }
    }

    /// What is measured.
    pub(super) const fn calls(self) -> &'static [&'static str] {
        match self {
            Self::Memory | Self::File | Self::Layers => &["get", "set"],
            Self::Limiter => &["acquire"],
        }
    }

    /// What the sizes count.
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::Memory | Self::File | Self::Layers => "entries",
            Self::Limiter => "resources",
        }
    }

    /// The size of the table with all figures.
    pub(super) const fn typical(self) -> u64 {
        match self {
            Self::Memory | Self::File => 100_000,
            Self::Layers => 10_000,
            Self::Limiter => 1_000,
        }
    }

    pub(super) fn sizes(self) -> impl Iterator<Item = u64> {
        let alone = (self == Self::Limiter).then_some(1);
        alone.into_iter().chain(SIZES)
    }
}

impl Contender {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OurMemory | Self::OurLimiter => "**store-memory**",
            Self::Moka => "moka",
            Self::QuickCache => "quick_cache",
            Self::Foyer => "foyer",
            Self::Governor => "governor, keyed",
            Self::LeakyBucket => "leaky-bucket",
            Self::OurFile => "**store-sqlite**",
            Self::RedbSynced => "redb, `Immediate`",
            Self::RedbUnsynced => "redb, `None`",
            Self::Fjall => "fjall",
            Self::Traced => "`Traced`, nobody listens",
            Self::CircuitBreaker => "`CircuitBreaker`",
            Self::Scoped => "`Scoped`",
            Self::Routed => "`Routed`, one replica",
            Self::Compressed => "`Transformed`, zstd 3",
            Self::Encrypted => "`Transformed`, encrypted",
            Self::TieredFile => "`Tiered`, memory before a SQLite file",
            Self::AllLayers => "all of them over a SQLite file",
        }
    }

    /// Timed calls.
    pub(super) const fn calls(self) -> u64 {
        match self {
            Self::OurFile | Self::RedbUnsynced | Self::Fjall => 4_000,
            Self::TieredFile | Self::AllLayers => 20_000,
            // Each waits for the disk.
            Self::RedbSynced => 200,
            _ => 100_000,
        }
    }

    /// Whether a first lookup of an entry makes a copy for the next ones.
    pub(super) const fn keeps_copies(self) -> bool {
        matches!(self, Self::TieredFile | Self::AllLayers)
    }

    /// Whether it can have so many: one keeps a single resource.
    pub(super) const fn takes_part_at(self, entries: u64) -> bool {
        !matches!(self, Self::LeakyBucket) || entries == 1
    }

    /// What it does for its time, and what it does not do.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::OurMemory => {
                "a TTL for each entry, tags, scopes, fill tokens, bounds of entries and bytes, listing; \
                 async calls through the contract; `get` copies no bytes"
            }
            Self::Moka => {
                "`sync::Cache` with a time to live for all entries; no tags, no scopes, no fill tokens; \
                 evicts and expires later, in calls that follow"
            }
            Self::QuickCache => "`sync::Cache`; no TTL, no tags, no scopes, no listing",
            Self::Foyer => {
                "foyer-memory, the cache in memory that foyer re-exports; no TTL, no tags, no scopes; \
                 its disk tier is left out"
            }
            Self::Traced
            | Self::CircuitBreaker
            | Self::Scoped
            | Self::Routed
            | Self::Compressed
            | Self::Encrypted => "over `store-memory`",
            Self::TieredFile => {
                "each `get` is of a copy that is in memory; the feed of the file is read once in 50 ms"
            }
            Self::AllLayers => {
                "from the outside: `Scoped`, `Tiered`, compressed, encrypted, `CircuitBreaker`, `Traced`"
            }
            Self::OurLimiter => {
                "exact windows: no hour, whenever it begins, holds more than its limit; shares for users and \
                 background, refunds, cooldowns, the moment of a retry"
            }
            Self::Governor => {
                "GCRA, one word for each key: it spaces requests and has no exact windows (a burst and \
                 a refill can both fall into one window); no refunds, no priorities, no cooldowns"
            }
            Self::LeakyBucket => {
                "a token bucket for one resource, refilled in steps: no exact windows, no keys, no \
                 priorities; so it takes part at 1 resource only"
            }
            Self::OurFile => {
                "SQLite, a write-ahead log and `synchronous = NORMAL`: a set survives a crash of the \
                 process, not always a loss of power; many processes; TTL, tags, scopes, fill tokens, \
                 a checksum"
            }
            Self::RedbSynced => {
                "a transaction for each set that waits for the disk: more than ours promises, \
                 as redb has nothing in between; one process at a time; no TTL, no tags"
            }
            Self::RedbUnsynced => {
                "a transaction for each set that a crash of the process undoes: less than ours promises; \
                 one process at a time; no TTL, no tags"
            }
            Self::Fjall => {
                "an LSM tree; each set goes to the operating system as `PersistMode::Buffer`, the \
                 same promise as ours; one process at a time; no TTL, no tags; compaction runs in threads \
                 of its own, whose processor time is counted"
            }
        }
    }
}
