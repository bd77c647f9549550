//! Training dictionaries from bodies that are stored, off the path of requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use sqlite_database::rusqlite::{Connection, OptionalExtension};
use sqlite_database::{AccessMode, Result};
use store_core::Timestamp;

use super::compressor::MIN_DICTIONARY_BYTES;
use super::dictionaries::{HostCodec, StoredCodecs, Trained, adopt};
use super::open::Opened;
use super::reader::Reader;
use super::shared::Shared;
use super::state;
use crate::codec::{Codec, Dictionary, Zstd, ZstdDictionary};
use crate::store::{ContentId, StoredBody};

/// A host gets a dictionary once it has so many bodies,
const FIRST_SAMPLES: usize = 50;
/// and another one once it has so many, whose dictionary is hardly worse than one of any number.
const ENOUGH_SAMPLES: usize = 200;
/// The most bodies that a dictionary is trained with.
const MAX_SAMPLES: usize = 400;
/// The new bodies after which hosts are looked at again; rarer as long as there is nothing to train.
const FIRST_LOOK: i64 = 50;
/// Of all hosts together, so many of the newest bodies are looked at.
const NEWEST: i64 = 1_000;
/// A longer body gains little by a dictionary, and would be most of it.
const MAX_SAMPLE_BYTES: usize = 64 << 10;
/// What training reads at most: it takes about half a second.
const MAX_TRAINING_BYTES: usize = 4 << 20;
/// The length up to which dictionaries get better.
const MAX_DICTIONARY_BYTES: usize = 112 << 10;
/// A dictionary is at most this part of what it is trained with: a third.
const DICTIONARY_SHARE: usize = 3;
/// One of so many samples is left out of the training, to see whether the dictionary is of use.
const CONTROL: usize = 8;
/// What those must take at most with the dictionary, in percent of what they take without.
const USEFUL_PERCENT: usize = 90;

/// When this process looks whether a host has enough bodies.
#[derive(Debug)]
pub(super) struct TrainingSchedule {
    bodies_until_look: AtomicI64,
    /// Looks in vain become rarer, as long as none of the newest bodies is missed.
    interval: AtomicI64,
    is_training: AtomicBool,
}

impl Default for TrainingSchedule {
    fn default() -> Self {
        Self {
            // With the first body: an earlier process may have left enough.
            bodies_until_look: AtomicI64::new(1),
            interval: AtomicI64::new(FIRST_LOOK),
            is_training: AtomicBool::new(false),
        }
    }
}

impl Shared {
    /// What new bodies of a host are compressed with.
    pub(super) fn dictionary_of(
        &self,
        opened: &Opened,
        domain: &str,
    ) -> Result<Option<Arc<ZstdDictionary>>> {
        let Some(level) = self.dictionary_level() else {
            return Ok(None);
        };
        let codecs = &self.compressor.codecs;
        match opened.dictionaries.of(domain) {
            Some(HostCodec::Plain) => return Ok(None),
            Some(HostCodec::WithDictionary(name)) => {
                if let Some(codec) = codecs.dictionaries.ready(&name) {
                    return Ok(Some(codec));
                }
            }
            None => {}
        }
        let found = opened
            .database
            .blocking_read(|db| codecs.current_of(db, domain, level))?;
        let known = match &found {
            Some(codec) => HostCodec::WithDictionary(Arc::from(codec.name())),
            None => HostCodec::Plain,
        };
        opened.dictionaries.learn(domain, known);
        Ok(found)
    }

    /// The level at which bodies are compressed with dictionaries; `None` if they are not.
    fn dictionary_level(&self) -> Option<i32> {
        let level = writing_level(&self.compressor.codecs);
        level.filter(|_| self.options.has_dictionaries)
    }

    /// Counts a new body, and trains in the background if hosts may have enough of them.
    pub(super) fn train_when_due(self: &Arc<Self>, opened: &Arc<Opened>) {
        let schedule = &self.training;
        let is_writable = self.options.database.access != AccessMode::ReadOnly;
        let left = schedule.bodies_until_look.fetch_sub(1, Ordering::Relaxed) - 1;
        let is_due = left <= 0 && is_writable && self.dictionary_level().is_some();
        if !is_due || schedule.is_training.swap(true, Ordering::AcqRel) {
            return;
        }
        let (shared, opened) = (Arc::clone(self), Arc::clone(opened));
        tokio::spawn(async move {
            let schedule = &shared.training;
            let trained = train(&shared, &opened).await;
            let interval = match &trained {
                Ok(0) => (schedule.interval.load(Ordering::Relaxed) * 2).min(NEWEST),
                Ok(_) | Err(_) => FIRST_LOOK,
            };
            schedule.interval.store(interval, Ordering::Relaxed);
            schedule
                .bodies_until_look
                .store(interval, Ordering::Relaxed);
            schedule.is_training.store(false, Ordering::Release);
            if let Err(error) = trained {
                shared.failed_in_the_background(error, "train");
            }
        });
    }
}

/// The level of the codec that writes; `None` if it is not Zstandard.
pub(super) fn writing_level(codecs: &StoredCodecs) -> Option<i32> {
    let writing = codecs.listed.writing();
    let is_zstd = writing.name().starts_with("zstd-");
    writing.level().filter(|_| is_zstd)
}

/// Trains a dictionary for each host that has enough bodies. Yields how many.
pub(super) async fn train(shared: &Arc<Shared>, opened: &Arc<Opened>) -> Result<u64> {
    if shared.dictionary_level().is_none() {
        return Ok(0);
    }
    let codecs = shared.compressor.codecs.clone();
    let clock = Arc::clone(&shared.options.clock);
    let reader = Reader::quiet(codecs, clock);
    let samples = opened.database.long_read(move |db| samples(db, &reader));
    let mut trained = 0;
    for TrainingSet {
        domain,
        bodies,
        damaged,
        samples,
    } in samples.await?
    {
        let dictionary = tokio::task::spawn_blocking(move || useful_dictionary(samples)).await;
        let Some(dictionary) = dictionary.ok().flatten() else {
            continue;
        };
        let now = shared.options.clock.now();
        let bytes = dictionary.content().len();
        let new = Trained {
            domain: domain.clone(),
            dictionary: Arc::new(dictionary),
            bodies,
            damaged,
        };
        if store(opened, new, now).await? {
            tracing::info!(domain, bodies, bytes, "trained a dictionary");
            trained += 1;
        }
    }
    if trained > 0 {
        opened.dictionaries.forget();
    }
    Ok(trained)
}

async fn store(opened: &Opened, trained: Trained, now: Timestamp) -> Result<bool> {
    let adopted = opened.database.write(move |tx| {
        let is_adopted = adopt(tx, &trained, now)?;
        if is_adopted {
            // What is stored gets shorter with it.
            state::set(tx, "recompression_hand", 0)?;
        }
        Ok(is_adopted)
    });
    adopted.await
}

/// What a dictionary is trained with.
struct TrainingSet {
    domain: String,
    /// How many bodies the host has, of those that were looked at.
    bodies: usize,
    /// The name of its dictionary, if that is damaged.
    damaged: Option<String>,
    samples: Vec<Vec<u8>>,
}

/// The bodies to train with, of each host that has enough and no dictionary of as many.
fn samples(db: &Connection, reader: &Reader) -> Result<Vec<TrainingSet>> {
    let mut statement = db.prepare_cached(
        "SELECT u.domain, c.content_id
         FROM (SELECT content_id, original_size, mime_category, content_encoding, chunk_count
               FROM body_contents ORDER BY content_id DESC LIMIT ?1) c
         JOIN bodies b ON b.content_id = c.content_id
         JOIN responses r ON r.body_id = b.body_id
         JOIN requests q ON q.request_id = r.response_id
         JOIN urls u ON u.url_id = q.url_id
         WHERE r.is_deleted = 0 AND c.chunk_count = 0 AND c.original_size BETWEEN ?2 AND ?3 AND c.content_encoding IS NULL
             AND c.mime_category IN ('text', 'json', 'script', 'markup')
         GROUP BY u.domain, c.content_id ORDER BY c.content_id DESC",
    )?;
    let bounds = [
        NEWEST,
        state::integer(MIN_DICTIONARY_BYTES),
        state::integer(MAX_SAMPLE_BYTES),
    ];
    let mut rows = statement.query(bounds)?;
    let mut contents = HashMap::<String, Vec<i64>>::new();
    while let Some(row) = rows.next()? {
        contents.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    let mut samples = Vec::new();
    for (domain, contents) in contents {
        let former = former(db, &domain)?;
        let damaged = former.as_ref().filter(|former| former.is_damaged);
        let damaged = damaged.map(|former| former.name.clone());
        let is_due = match former {
            Some(former) if !former.is_damaged => {
                former.bodies < ENOUGH_SAMPLES && contents.len() >= ENOUGH_SAMPLES
            }
            Some(_) | None => contents.len() >= FIRST_SAMPLES,
        };
        if is_due {
            samples.push(TrainingSet {
                domain,
                bodies: contents.len(),
                damaged,
                samples: bodies(db, reader, &contents)?,
            });
        }
    }
    Ok(samples)
}

/// The dictionary that a host has.
struct Former {
    name: String,
    /// How many bodies the host had when it was trained.
    bodies: usize,
    is_damaged: bool,
}

fn former(db: &Connection, domain: &str) -> Result<Option<Former>> {
    let mut statement = db.prepare_cached(
        "SELECT name, sample_count, content FROM compression_dictionaries
         WHERE domain = ?1 AND is_current = 1",
    )?;
    let former = statement.query_row([domain], |row| {
        let name: String = row.get(0)?;
        let content: Vec<u8> = row.get(2)?;
        Ok(Former {
            bodies: usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
            is_damaged: Dictionary::id_of(&content) != name,
            name,
        })
    });
    Ok(former.optional()?)
}

fn bodies(db: &Connection, reader: &Reader, contents: &[i64]) -> Result<Vec<Vec<u8>>> {
    let (mut bodies, mut bytes) = (Vec::new(), 0);
    for content in contents.iter().take(MAX_SAMPLES) {
        let Some(StoredBody::Whole(body)) = reader.body(db, ContentId(*content))? else {
            continue;
        };
        bytes += body.len();
        if bytes > MAX_TRAINING_BYTES {
            break;
        }
        bodies.push(Vec::from(body));
    }
    Ok(bodies)
}

/// A dictionary that makes bodies like the samples shorter; `None` if none does.
fn useful_dictionary(samples: Vec<Vec<u8>>) -> Option<Dictionary> {
    let is_control = |place: usize| place.is_multiple_of(CONTROL);
    let (control, training): (Vec<_>, Vec<_>) = samples
        .into_iter()
        .enumerate()
        .partition(|(place, _)| is_control(*place));
    let training: Vec<_> = training.into_iter().map(|(_, body)| body).collect();
    let bytes: usize = training.iter().map(Vec::len).sum();
    let max_bytes = (bytes / DICTIONARY_SHARE).min(MAX_DICTIONARY_BYTES);
    let dictionary = Arc::new(Dictionary::train(&training, max_bytes)?);
    let with = ZstdDictionary::new(Zstd::DEFAULT_LEVEL, Arc::clone(&dictionary));
    let without = Zstd::default();
    let bytes = |codec: &dyn Codec| -> Option<usize> {
        let compressed = control.iter().map(|(_, body)| codec.compress(body));
        let lengths = compressed.map(|stored| stored.ok().map(|stored| stored.len()));
        lengths.sum()
    };
    let is_useful = bytes(&with)? * 100 <= bytes(&without)? * USEFUL_PERCENT;
    drop(with);
    let dictionary = Arc::into_inner(dictionary)?;
    is_useful.then_some(dictionary)
}
