//! Writing rows that many responses share.

use http::{HeaderName, HeaderValue, StatusCode};
use sqlite_database::Result;
use sqlite_database::rusqlite::{OptionalExtension, Transaction, params};
use store_core::Timestamp;

use super::headers::latin1;
use super::interned::{Interned, Known};
use super::state;
use crate::codec::Codec;

/// A longer value is written where it occurs.
const MAX_PAIR_BYTES: usize = 4_096;

const FIND_NAME: &str = "SELECT header_name_id FROM header_names WHERE name = ?1";
const INSERT_NAME: &str = "INSERT INTO header_names (name) VALUES (?1)";
const FIND_VALUE: &str = "SELECT header_value_id FROM header_values WHERE value = ?1";
const INSERT_VALUE: &str = "INSERT INTO header_values (value) VALUES (?1)";
const FIND_PAIR: &str = "SELECT header_pair_id FROM header_pairs
    WHERE header_name_id = ?1 AND header_value_id = ?2 AND is_swept = 0";
const INSERT_PAIR: &str =
    "INSERT INTO header_pairs (header_name_id, header_value_id) VALUES (?1, ?2)";

/// The shared rows that a transaction needs: known ones, and those that it finds or makes.
pub(super) struct SharedRows<'a> {
    tx: &'a Transaction<'a>,
    interned: &'a Interned,
    /// For [`Interned::learn`] once the transaction has been committed.
    pub(super) new: Known,
}

impl<'a> SharedRows<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>, interned: &'a Interned) -> Result<Self> {
        let sweeps = state::get(tx, "pairs_swept")?;
        let new = Known {
            sweeps,
            ..Known::default()
        };
        Ok(Self { tx, interned, new })
    }

    /// The id of a pair. One that is long, or that this process sees for the first time, has none: it may never come
    /// again, as an identifier of the request, and its rows would stay when its response goes.
    pub(super) fn pair(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<Option<i64>> {
        if value.len() > MAX_PAIR_BYTES {
            return Ok(None);
        }
        let pair = (name.clone(), value.clone());
        if let Some(id) = self.new.pairs.get(&pair) {
            return Ok(Some(*id));
        }
        let known = self.interned.pair_id(&pair, self.new.sweeps);
        if known.is_some() {
            return Ok(known);
        }
        let name_id = self.find(FIND_NAME, name.as_str())?;
        let value_id = self.find(FIND_VALUE, &latin1(value))?;
        let found = match (name_id, value_id) {
            (Some(name_id), Some(value_id)) => self
                .tx
                .prepare_cached(FIND_PAIR)?
                .query_row([name_id, value_id], |row| row.get(0))
                .optional()?,
            _ => None,
        };
        let id = match found {
            Some(id) => id,
            None if self.interned.is_first_sight(&pair) => return Ok(None),
            None => {
                let name_id = self.found_or_new(name_id, INSERT_NAME, name.as_str())?;
                let value_id = self.found_or_new(value_id, INSERT_VALUE, &latin1(value))?;
                self.tx
                    .prepare_cached(INSERT_PAIR)?
                    .insert([name_id, value_id])?
            }
        };
        self.new.pairs.insert(pair, id);
        Ok(Some(id))
    }

    fn find(&self, sql: &str, value: &str) -> Result<Option<i64>> {
        let mut find = self.tx.prepare_cached(sql)?;
        Ok(find.query_row([value], |row| row.get(0)).optional()?)
    }

    fn found_or_new(&self, found: Option<i64>, insert: &str, value: &str) -> Result<i64> {
        match found {
            Some(id) => Ok(id),
            None => Ok(self.tx.prepare_cached(insert)?.insert([value])?),
        }
    }

    pub(super) fn status(&mut self, status: StatusCode) -> Result<()> {
        let code = status.as_u16();
        if self.interned.known().statuses.contains(&code) || self.new.statuses.contains(&code) {
            return Ok(());
        }
        let reason = status.canonical_reason().unwrap_or_default();
        self.tx
            .prepare_cached(
                "INSERT OR IGNORE INTO http_statuses (status_code, reason) VALUES (?1, ?2)",
            )?
            .execute(params![code, reason])?;
        self.new.statuses.insert(code);
        Ok(())
    }

    /// The row of a codec, which may have a dictionary. Without one, it never goes.
    pub(super) fn codec(
        &mut self,
        codec: &dyn Codec,
        dictionary: Option<i64>,
        now: Timestamp,
    ) -> Result<i64> {
        self.process(
            codec.name(),
            &codec.full_name(),
            codec.level(),
            dictionary,
            now,
        )
    }

    /// The row of a way to store bodies.
    pub(super) fn process(
        &mut self,
        name: &str,
        full_name: &str,
        level: Option<i32>,
        dictionary: Option<i64>,
        now: Timestamp,
    ) -> Result<i64> {
        if dictionary.is_none()
            && let Some(id) = self.interned.known().codecs.get(name)
        {
            return Ok(*id);
        }
        let find =
            "SELECT compression_process_id FROM compression_processes WHERE system_name = ?1";
        let mut find = self.tx.prepare_cached(find)?;
        let found = find.query_row([name], |row| row.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => self.tx.query_row(
                "INSERT INTO compression_processes (full_name, system_name, compression_level, created_at,
                     dictionary_id)
                 VALUES (?1, ?2, ?3, ?4, ?5) RETURNING compression_process_id",
                params![full_name, name, level, now.as_millis(), dictionary],
                |row| row.get(0),
            )?,
        };
        if dictionary.is_none() {
            self.new.codecs.insert(name.to_owned(), id);
        }
        Ok(id)
    }
}
