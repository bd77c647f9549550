//! Compressing bodies again that have been stored for a while: slower, and shorter.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{MINUTE, Timestamp};

use super::compressor::{MIN_DICTIONARY_BYTES, MediaType};
use super::dictionaries::{self, StoredCodecs};
use super::interned::Known;
use super::open::Opened;
use super::reader::{Reader, checksum};
use super::shared::Shared;
use super::shared_rows::SharedRows;
use super::state::{self, integer};
use super::train::writing_level;
use crate::codec::{Codec, Dictionary, ZstdDictionary, delta};
use crate::store::{ContentId, StoredBody};

/// The level of Zstandard: compressing takes 20 to 100 times as long as at level 3, reading as long.
const LEVEL: i32 = 19;
/// The bodies of one transaction.
const PER_STEP: u32 = 16;
/// The bytes, before compression, after which a step ends.
const BYTES_PER_STEP: usize = 256 << 10;
/// What is kept instead of the former bytes must be shorter by this part of them: a thirty-second.
const LEAST_SAVED: usize = 32;

/// What compressing again has saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecompressReport {
    /// Dictionaries that were trained before.
    pub dictionaries: u64,
    /// Bodies that are shorter now.
    pub bodies: u64,
    /// The bytes that they took before.
    pub bytes_before: u64,
    /// The bytes that they take now.
    pub bytes_after: u64,
    /// `false` if the time was over before all bodies were looked at.
    pub is_complete: bool,
}

impl RecompressReport {
    pub(super) fn to_json(self) -> Value {
        json!({
            "dictionaries": self.dictionaries, "bodies": self.bodies, "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after, "is_complete": self.is_complete,
        })
    }
}

/// A body to compress again.
struct Candidate {
    content: i64,
    process: i64,
    compressed_size: usize,
    /// It is replaced by fewer bytes than these: if its dictionary was replaced, by any that are shorter than itself.
    most: usize,
    domain: String,
    codec: Arc<dyn Codec>,
    dictionary: Option<Arc<Dictionary>>,
    body: Bytes,
}

/// A body that gets shorter.
struct Shorter {
    candidate: Candidate,
    bytes: Vec<u8>,
}

/// The next bodies after the hand.
struct Step {
    hand: i64,
    /// The last body that was looked at; `None` if there is no further one.
    last: Option<i64>,
    candidates: Vec<Candidate>,
}

/// Compresses what was stored until `before` again, for at most `budget`. It goes on where the last run of any process
/// has stopped.
pub(super) async fn run(
    shared: &Arc<Shared>,
    opened: &Arc<Opened>,
    before: Timestamp,
    budget: Duration,
) -> Result<RecompressReport> {
    let clock = &shared.options.clock;
    let codecs = shared.compressor.codecs.clone();
    // Who chose another codec, or none, has a reason.
    if writing_level(&codecs).is_none() {
        return Ok(RecompressReport {
            is_complete: true,
            ..RecompressReport::default()
        });
    }
    let has_dictionaries = shared.options.has_dictionaries;
    let reader = Reader::quiet(codecs.clone(), Arc::clone(clock));
    let reader = Arc::new(reader);
    let started = clock.monotonic();
    let mut report = RecompressReport::default();
    while clock.monotonic().saturating_sub(started) < budget {
        let (reader, codecs) = (Arc::clone(&reader), codecs.clone());
        // A clock that was set back leaves times that are later than now for ever.
        let young = before.as_millis() + 1..=(clock.now() + MINUTE).as_millis();
        let step = opened
            .database
            .long_read(move |db| next(db, &reader, (&codecs, has_dictionaries), &young));
        let Step {
            hand,
            last,
            candidates,
        } = step.await?;
        let Some(last) = last else {
            report.is_complete = true;
            return Ok(report);
        };
        let shorter = tokio::task::spawn_blocking(move || compress(candidates)).await;
        let shorter = shorter.unwrap_or_default();
        let (writing, now) = (Arc::clone(opened), clock.now());
        let written = opened
            .database
            .write(move |tx| write(tx, &writing, shorter, (hand, last), now));
        let (bodies, [bytes_before, bytes_after], new) = written.await?;
        opened.interned.learn(new);
        report.bodies += bodies;
        report.bytes_before += bytes_before;
        report.bytes_after += bytes_after;
    }
    Ok(report)
}

fn next(
    db: &Connection,
    reader: &Reader,
    (codecs, has_dictionaries): (&StoredCodecs, bool),
    young: &RangeInclusive<i64>,
) -> Result<Step> {
    let hand = state::get(db, "recompression_hand")?;
    let mut step = Step {
        hand,
        last: None,
        candidates: Vec::new(),
    };
    let mut statement = db.prepare_cached(
        "SELECT c.content_id, c.compression_process_id, c.compressed_size, c.original_size, c.content_type,
             c.content_encoding, p.system_name,
             (SELECT u.domain FROM bodies b JOIN responses r USING (body_id) JOIN requests q USING (request_id)
              JOIN urls u USING (url_id) WHERE b.content_id = c.content_id AND r.is_deleted = 0 LIMIT 1),
             c.chunk_count = 0 AND c.reference_count > 0 AND c.content_hash IS NOT NULL, c.first_seen_at
         FROM body_contents c JOIN compression_processes p USING (compression_process_id)
         WHERE c.content_id > ?1 ORDER BY c.content_id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![hand, PER_STEP])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let (content, first_seen): (i64, i64) = (row.get(0)?, row.get(9)?);
        if young.contains(&first_seen) {
            break;
        }
        step.last = Some(content);
        let media_type = MediaType {
            content_type: row.get(4)?,
            content_encoding: row.get(5)?,
        };
        let original_size = usize::try_from(row.get::<_, i64>(3)?).unwrap_or(usize::MAX);
        let is_eligible =
            row.get(8)? && original_size >= MIN_DICTIONARY_BYTES && media_type.is_text();
        let domain: Option<String> = row.get(7)?;
        let (Some(domain), true) = (domain, is_eligible) else {
            continue;
        };
        let dictionary = if has_dictionaries {
            codecs.current_of(db, &domain, LEVEL)?
        } else {
            None
        };
        let codec = match &dictionary {
            Some(codec) => Some(Arc::clone(codec) as Arc<dyn Codec>),
            None => codecs.listed.get(&format!("zstd-{LEVEL}")),
        };
        let dictionary = dictionary.map(|codec| Arc::clone(codec.dictionary()));
        let present: String = row.get(6)?;
        // One that is stored as a difference is shorter than any.
        let codec = codec.filter(|codec| codec.name() != present && present != delta::NAME);
        let Some(codec) = codec else {
            continue;
        };
        let Some(StoredBody::Whole(body)) = reader.body(db, ContentId(content))? else {
            continue;
        };
        bytes += body.len();
        let compressed_size = usize::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        let current = dictionary.as_deref().map(Dictionary::id);
        let present = ZstdDictionary::parse_name(&present).map(|(_, id)| id);
        step.candidates.push(Candidate {
            content,
            process: row.get(1)?,
            compressed_size,
            most: if present.is_some() && present != current {
                body.len()
            } else {
                compressed_size - compressed_size / LEAST_SAVED
            },
            domain,
            codec,
            dictionary,
            body,
        });
        if bytes >= BYTES_PER_STEP {
            break;
        }
    }
    Ok(step)
}

/// Those that get shorter. One whose compression fails stays as it is.
fn compress(candidates: Vec<Candidate>) -> Vec<Shorter> {
    let mut shorter = Vec::new();
    for candidate in candidates {
        if let Ok(bytes) = candidate.codec.compress(&candidate.body)
            && bytes.len() < candidate.most
        {
            shorter.push(Shorter { candidate, bytes });
        }
    }
    shorter
}

/// Puts the shorter bytes in place of the former ones, and moves the hand; nothing if another process has moved it.
fn write(
    tx: &Transaction<'_>,
    opened: &Arc<Opened>,
    shorter: Vec<Shorter>,
    (hand, last): (i64, i64),
    now: Timestamp,
) -> Result<(u64, [u64; 2], Known)> {
    let mut rows = SharedRows::new(tx, &opened.interned)?;
    let (mut bodies, mut bytes) = (0, [0; 2]);
    if state::get(tx, "recompression_hand")? != hand {
        return Ok((bodies, bytes, rows.new));
    }
    let mut replace = tx.prepare_cached(
        "UPDATE body_contents SET compression_process_id = ?3, compressed_size = ?4, checksum = ?5, body_content = ?6
         WHERE content_id = ?1 AND compression_process_id = ?2 AND content_hash IS NOT NULL
         RETURNING content_id",
    )?;
    for Shorter {
        candidate,
        bytes: stored,
    } in shorter
    {
        let codec = (&*candidate.codec, candidate.dictionary.as_deref());
        let process = dictionaries::process_of(tx, &mut rows, codec, &candidate.domain, now)?;
        let values = params![
            candidate.content,
            candidate.process,
            process,
            integer(stored.len()),
            checksum(&*candidate.codec, &stored),
            stored,
        ];
        let replaced: Option<i64> = replace.query_row(values, |row| row.get(0)).optional()?;
        if replaced.is_some() {
            bodies += 1;
            bytes[0] += candidate.compressed_size as u64;
            bytes[1] += stored.len() as u64;
        }
    }
    state::set(tx, "recompression_hand", last)?;
    Ok((bodies, bytes, rows.new))
}
