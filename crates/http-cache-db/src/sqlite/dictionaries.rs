//! The dictionaries of a file: read, known to this process, and written with the first body that uses one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::Timestamp;

use super::shared_rows::SharedRows;
use super::state::integer;
use crate::codec::{Codec, Codecs, Dictionary, ZstdDictionary};

/// The codecs that are kept ready, each with 0.3 to 2 MB, by what it was used for; beyond that, all are read again.
const MAX_READY: usize = 64;
/// The hosts of which is known what their bodies are compressed with.
const MAX_HOSTS: usize = 1_024;

/// The codecs that bodies in files are read with.
#[derive(Clone, Debug)]
pub(super) struct StoredCodecs {
    /// Those that the program lists.
    pub(super) listed: Codecs,
    pub(super) dictionaries: Arc<Dictionaries>,
}

impl StoredCodecs {
    pub(super) fn new(listed: Codecs) -> Self {
        Self {
            listed,
            dictionaries: Arc::default(),
        }
    }

    /// The codec with this persistent name, or `None`: what it wrote cannot be read.
    pub(super) fn get(&self, db: &Connection, name: &str) -> Result<Option<Arc<dyn Codec>>> {
        if let Some(codec) = self.listed.get(name) {
            return Ok(Some(codec));
        }
        let codec = self.dictionaries.codec(db, name)?;
        Ok(codec.map(|codec| codec as Arc<dyn Codec>))
    }

    /// The codec of this level with the dictionary of a host; `None` if it has none.
    pub(super) fn current_of(
        &self,
        db: &Connection,
        domain: &str,
        level: i32,
    ) -> Result<Option<Arc<ZstdDictionary>>> {
        match current_of(db, domain)? {
            Some(id) => self
                .dictionaries
                .codec(db, &ZstdDictionary::name_of(level, &id)),
            None => Ok(None),
        }
    }
}

/// The codecs with a dictionary that this process has read. Their names say their content, so that they are the same
/// in every file.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    ready: RwLock<HashMap<String, Arc<ZstdDictionary>>>,
}

impl Dictionaries {
    /// The codec of this name; `None` if it is none with a dictionary, or if its dictionary is missing or damaged.
    pub(super) fn codec(&self, db: &Connection, name: &str) -> Result<Option<Arc<ZstdDictionary>>> {
        let Some((level, id)) = ZstdDictionary::parse_name(name) else {
            return Ok(None);
        };
        if let Some(codec) = self.ready(name) {
            return Ok(Some(codec));
        }
        let Some(dictionary) = self.dictionary(db, id)? else {
            return Ok(None);
        };
        let codec = Arc::new(ZstdDictionary::new(level, dictionary));
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= MAX_READY {
            ready.clear();
        }
        ready.insert(name.to_owned(), Arc::clone(&codec));
        Ok(Some(codec))
    }

    /// The codec of this name, if it was read lately.
    pub(super) fn ready(&self, name: &str) -> Option<Arc<ZstdDictionary>> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        ready.get(name).cloned()
    }

    fn dictionary(&self, db: &Connection, id: &str) -> Result<Option<Arc<Dictionary>>> {
        {
            let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
            let mut known = ready.values().map(|codec| codec.dictionary());
            if let Some(dictionary) = known.find(|dictionary| dictionary.id() == id) {
                return Ok(Some(Arc::clone(dictionary)));
            }
        }
        let content = db
            .prepare_cached("SELECT content FROM compression_dictionaries WHERE name = ?1")?
            .query_row([id], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        let content = content.filter(|content| Dictionary::id_of(content) == id);
        Ok(content.and_then(Dictionary::new).map(Arc::new))
    }
}

/// How new bodies of a host are compressed.
#[derive(Clone, Debug)]
pub(super) enum HostCodec {
    /// By the codec that the program writes with.
    Plain,
    /// By the codec of this name.
    WithDictionary(Arc<str>),
}

/// How new bodies of each host are compressed, as the file said lately.
#[derive(Debug, Default)]
pub(super) struct CurrentDictionaries {
    by_domain: Mutex<HashMap<String, HostCodec>>,
}

impl CurrentDictionaries {
    /// How it is for a host; `None` if that is not known.
    pub(super) fn of(&self, domain: &str) -> Option<HostCodec> {
        self.lock().get(domain).cloned()
    }

    pub(super) fn learn(&self, domain: &str, codec: HostCodec) {
        let mut by_domain = self.lock();
        if by_domain.len() >= MAX_HOSTS {
            by_domain.clear();
        }
        by_domain.insert(domain.to_owned(), codec);
    }

    /// Asks the file again: another process may have trained a dictionary.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HostCodec>> {
        self.by_domain
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a host's dictionary.
fn current_of(db: &Connection, domain: &str) -> Result<Option<String>> {
    let mut find = db.prepare_cached(
        "SELECT name FROM compression_dictionaries WHERE domain = ?1 AND is_current = 1",
    )?;
    Ok(find.query_row([domain], |row| row.get(0)).optional()?)
}

/// A dictionary as it is trained.
#[derive(Debug)]
pub(super) struct Trained {
    pub(super) domain: String,
    pub(super) dictionary: Arc<Dictionary>,
    /// How many bodies the host had then; not all of long ones are samples.
    pub(super) bodies: usize,
    /// The name of the dictionary that it replaces whatever that was trained with.
    pub(super) damaged: Option<String>,
}

/// Makes a dictionary its host's, unless another process has trained one with as many bodies meanwhile.
pub(super) fn adopt(tx: &Transaction<'_>, trained: &Trained, now: Timestamp) -> Result<bool> {
    let Trained {
        domain,
        dictionary,
        bodies,
        damaged,
    } = trained;
    let bodies = integer(*bodies);
    let replaceable = "UPDATE compression_dictionaries SET is_current = 0
        WHERE domain = ?1 AND is_current = 1 AND (sample_count < ?2 OR name = ?3)";
    tx.execute(replaceable, params![domain, bodies, damaged])?;
    if current_of(tx, domain)?.is_some() {
        return Ok(false);
    }
    // One with the same content may be there: a former one, or that of another host, which keeps it.
    let adopted = tx.execute(
        "INSERT INTO compression_dictionaries (name, domain, sample_count, trained_at, content)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET domain = excluded.domain, is_current = 1, content = excluded.content
             WHERE is_current = 0",
        params![
            dictionary.id(),
            domain,
            bodies,
            now.as_millis(),
            dictionary.content()
        ],
    )?;
    Ok(adopted > 0)
}

/// The row of a codec, and with it that of its dictionary if it has one.
pub(super) fn process_of(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    (codec, dictionary): (&dyn Codec, Option<&Dictionary>),
    domain: &str,
    now: Timestamp,
) -> Result<i64> {
    let dictionary = dictionary
        .map(|dictionary| row_of(tx, dictionary, domain, now))
        .transpose()?;
    rows.codec(codec, dictionary, now)
}

/// The row of a dictionary that a body is compressed with, also if it was removed a moment ago.
fn row_of(
    tx: &Transaction<'_>,
    dictionary: &Dictionary,
    domain: &str,
    now: Timestamp,
) -> Result<i64> {
    let mut find =
        tx.prepare_cached("SELECT dictionary_id FROM compression_dictionaries WHERE name = ?1")?;
    let found = find
        .query_row([dictionary.id()], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO compression_dictionaries (name, domain, is_current, sample_count, trained_at, content)
         VALUES (?1, ?2, 0, 0, ?3, ?4)",
    )?;
    Ok(insert.insert(params![
        dictionary.id(),
        domain,
        now.as_millis(),
        dictionary.content()
    ])?)
}

/// Removes dictionaries that no body is compressed with: those that were replaced, and those of `before` whose host
/// has nothing stored.
pub(super) fn remove_unused(tx: &Transaction<'_>, before: Timestamp) -> Result<u64> {
    let unused =
        "DELETE FROM compression_dictionaries AS d WHERE reference_count = 0 AND (is_current = 0
        OR trained_at <= ?1 AND NOT EXISTS (SELECT 1 FROM urls u WHERE u.domain = d.domain))";
    Ok(tx.execute(unused, [before.as_millis()])? as u64)
}
