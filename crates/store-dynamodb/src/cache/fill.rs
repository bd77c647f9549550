//! Setting values; see the module's parent for what must stay true.
//!
//! The usual set writes the head under [`NewHead::may_store`] and reads the epoch at the same time. The
//! condition holds if the former head is absent, a tombstone, expired, or has the same tags, and is not
//! of a later fill. Then there are two cases. Either none of the new head's subjects was invalidated
//! since its token, and it is stored. Or one was, and the new head is hidden for every reader from the
//! moment it was written; so was the former one if it had the same tags, as it is of the same epoch or
//! an earlier one.
//!
//! A former head with other tags refuses the write and is looked at. If one of *its* tags was invalidated
//! since the token, then the key was, and the fill is dropped, though its own tags say nothing of it.
//! Otherwise the head is written by a transaction that holds if neither the former head nor a subject of
//! either moved: other invalidations and deletions do not disturb it.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use store_core::backend::FillMark;
use store_core::{Error, ErrorKind, Key, NewEntry, Result, SetOutcome};

use super::body::{ITEM_ROOM, Placement};
use super::epoch::{AUTHORITY, Epoch, Subject, epoch_key};
use super::head::{Head, NewHead, RETENTION, head_key};
use super::order::{Precedence, is_still, may_refuse};
use super::session::Session;
use crate::error::{BACKEND, Failure};
use crate::item::Item;
use crate::options::MAX_ENTRY_BYTES;
use crate::table::{Action, Condition, Update, Values};

/// How often a value that others keep replacing is written anew.
const TRIES: u32 = 12;

/// What became of writing a head: it is there, in place of this one; or the condition did not hold of this.
type Put = Result<Option<Head>, Option<Head>>;

impl Session<'_> {
    /// Stores one value.
    pub(super) async fn store(&self, entry: NewEntry) -> Result<SetOutcome> {
        let epoch = match entry.token {
            Some(_) => None,
            None => Some(self.authority().await?),
        };
        Box::pin(self.store_under(entry, epoch)).await
    }

    /// Stores several, those of one key one after the other.
    pub(super) async fn store_all(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let epoch = self.authority().await?;
        let mut by_key: BTreeMap<Key, Vec<(usize, NewEntry)>> = BTreeMap::new();
        for (place, entry) in entries.into_iter().enumerate() {
            let same = by_key.entry(entry.key.clone()).or_default();
            same.push((place, entry));
        }
        let work = by_key
            .into_values()
            .map(|entries| self.store_in_turn(entries, &epoch));
        let mut outcomes = self.together(work).await?.concat();
        outcomes.sort_by_key(|(place, _)| *place);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    async fn store_in_turn(
        &self,
        entries: Vec<(usize, NewEntry)>,
        epoch: &Epoch,
    ) -> Result<Vec<(usize, SetOutcome)>> {
        let mut outcomes = Vec::with_capacity(entries.len());
        for (place, entry) in entries {
            let key = entry.key.clone();
            let outcome = self.store_under(entry, Some(epoch.clone())).await;
            let outcome = outcome.map_err(|error| error.with_key(key.as_str()))?;
            outcomes.push((place, outcome));
        }
        Ok(outcomes)
    }

    /// Stores a value; `epoch` was read since the call began. An entry without a token needs it.
    async fn store_under(&self, entry: NewEntry, epoch: Option<Epoch>) -> Result<SetOutcome> {
        let token = match (entry.token.map(FillMark::from), &epoch) {
            (Some(token), _) if self.now.since(token.began_at) > RETENTION => {
                return Ok(SetOutcome::Outdated);
            }
            (Some(token), _) => token,
            (None, Some(epoch)) => epoch.token(self.now)?,
            (None, None) => self.authority().await?.token(self.now)?,
        };
        let new = NewHead::new(&entry, token, self.fresh_id(), self.now);
        let (bytes, most) = (
            entry.value.len(),
            self.options.max_entry_bytes.unwrap_or(MAX_ENTRY_BYTES),
        );
        let room = ITEM_ROOM.checked_sub(overhead_bytes(&entry));
        let Some(room) = room.filter(|_| bytes <= most) else {
            return self.refuse(&new, bytes).await;
        };
        let chunk_bytes = self.options.tuning.chunk_bytes;
        let place = Placement::new(entry.value, room, chunk_bytes, self.requests.operation).await?;
        let epoch = async {
            match epoch {
                Some(epoch) => Ok(epoch),
                None => self.epoch().await,
            }
        };
        if place.has_chunks() {
            return self.store_chunks(&new, &place, epoch.await?).await;
        }
        let (epoch, put) = try_join(epoch, Box::pin(self.put(&new, &place))).await?;
        if self.is_voided(&new, &new.subjects, &epoch).await? {
            if let Ok(former) = put {
                self.discard_former(&new, former.as_ref()).await;
            }
            return Ok(SetOutcome::Outdated);
        }
        self.settle(&new, &place, put, epoch).await
    }

    /// Stores a value in chunks, which are written before the head.
    async fn store_chunks(
        &self,
        new: &NewHead,
        place: &Placement,
        epoch: Epoch,
    ) -> Result<SetOutcome> {
        if self.is_voided(new, &new.subjects, &epoch).await? {
            return Ok(SetOutcome::Outdated);
        }
        let collected_at = new.chunks_collected_at(self.now);
        let chunks = place.chunks(&new.id, &self.names().time_to_live, collected_at);
        let chunks = chunks.map(async |(key, chunk)| {
            let written = self.requests.replace(&key, chunk, Condition::default());
            written.await.map(drop)
        });
        let written = self.together(chunks).await;
        let outcome = match &written {
            Ok(_) => match self.put(new, place).await {
                Ok(put) => self.settle(new, place, put, epoch).await,
                Err(error) => Err(error),
            },
            Err(_) => Ok(SetOutcome::Outdated),
        };
        match outcome {
            Ok(SetOutcome::Stored) if new.never_expires() => self.keep_chunks(new, place).await?,
            Ok(SetOutcome::Outdated) => self.discard_chunks(place.chunk_keys(&new.id)).await,
            // After an error the head may have been written all the same.
            Ok(SetOutcome::Stored) | Err(_) => {}
        }
        written.and(outcome)
    }

    /// Takes the time to live from chunks of which the head stands, unless they were removed again.
    async fn keep_chunks(&self, new: &NewHead, place: &Placement) -> Result<()> {
        let kept = place.chunk_keys(&new.id).into_iter().map(async |key| {
            let update = Update {
                key,
                change: "REMOVE #TTL".to_owned(),
                condition: "attribute_exists(#v)".to_owned(),
                values: Values::default(),
            };
            self.requests.change(update).await.map(drop)
        });
        self.together(kept).await?;
        Ok(())
    }

    /// Whether one of `subjects` was invalidated since the fill began: the new value's own, or those of
    /// the one in its place.
    async fn is_voided(&self, new: &NewHead, subjects: &[Subject], epoch: &Epoch) -> Result<bool> {
        let began = new.token.epoch;
        let known = self.known(epoch, [(began, subjects)]).await?;
        Ok(known.newest_after(began, subjects).is_some())
    }

    async fn put(&self, new: &NewHead, place: &Placement) -> Result<Put> {
        let item = new.item(place, self.names(), self.now);
        let condition = new.may_store(self.now);
        let key = head_key(&new.key);
        Ok(match self.requests.replace(&key, item, condition).await? {
            Ok(former) => Ok(self.former(former)?),
            Err(former) => Err(self.former(former)?),
        })
    }

    fn former(&self, item: Option<Item>) -> Result<Option<Head>> {
        item.map_or(Ok(None), |item| self.head(item))
    }

    /// Removes the chunks of a replaced value; not the value's own, if the write was sent twice.
    async fn discard_former(&self, new: &NewHead, former: Option<&Head>) {
        self.discard(former.filter(|former| former.id != new.id))
            .await;
    }

    /// Ends a set whose head was written or refused: it takes the place of a visible one with other tags,
    /// or finds that it came too late.
    async fn settle(
        &self,
        new: &NewHead,
        place: &Placement,
        mut put: Put,
        mut epoch: Epoch,
    ) -> Result<SetOutcome> {
        let mut seen: Option<String> = None;
        for attempt in 0.. {
            let refused = match put {
                Ok(former) => {
                    self.discard_former(new, former.as_ref()).await;
                    return Ok(SetOutcome::Stored);
                }
                Err(former) => former,
            };
            if let Some(head) = refused {
                if head.id == new.id {
                    return Ok(SetOutcome::Stored);
                }
                let is_outdated = match head.precedence(new.token, self.now) {
                    Precedence::Later => true,
                    // Who wrote at the same time has won.
                    Precedence::Tie if seen.is_some_and(|id| id != head.id) => true,
                    Precedence::Tie | Precedence::Earlier => {
                        head.is_live(self.now)
                            && self.is_voided(new, &head.subjects, &epoch).await?
                    }
                };
                if is_outdated {
                    return Ok(SetOutcome::Outdated);
                }
                if self.swap(new, place, &head, &epoch).await? {
                    self.discard([&head]).await;
                    return Ok(SetOutcome::Stored);
                }
                seen = Some(head.id);
            }
            if attempt == TRIES {
                break;
            }
            self.wait(attempt).await;
            epoch = self.authority().await?;
            if self.is_voided(new, &new.subjects, &epoch).await? {
                return Ok(SetOutcome::Outdated);
            }
            put = self.put(new, place).await?;
        }
        Err(Failure::Conflict.into_error(self.requests.operation))
    }

    /// Puts the head in place of exactly `former`, if no subject of either was invalidated since `epoch`
    /// was read; whether it did.
    async fn swap(
        &self,
        new: &NewHead,
        place: &Placement,
        former: &Head,
        epoch: &Epoch,
    ) -> Result<bool> {
        let item = new.item(place, self.names(), self.now);
        let unmoved = epoch.unmoved(new.subjects.iter().chain(&former.subjects))?;
        let actions = vec![
            Action::Put(head_key(&new.key), item, is_still(&former.id)),
            Action::Check(epoch_key(AUTHORITY), unmoved),
        ];
        self.requests.transact(actions).await
    }

    /// Refuses a value that is too large; what was stored before is gone.
    async fn refuse(&self, new: &NewHead, bytes: usize) -> Result<SetOutcome> {
        let (epoch, heads) = self.heads(std::slice::from_ref(&new.key)).await?;
        let live = heads.iter().filter(|head| head.is_live(self.now));
        let live = live.flat_map(|head| &head.subjects);
        let subjects: Vec<Subject> = new.subjects.iter().chain(live).cloned().collect();
        if self.is_voided(new, &subjects, &epoch).await? {
            return Ok(SetOutcome::Outdated);
        }
        let tombstone = new.tombstone(self.names(), self.now);
        let condition = may_refuse(new.token, self.now);
        let key = head_key(&new.key);
        match self.requests.replace(&key, tombstone, condition).await? {
            Ok(former) => self.discard(self.former(former)?.as_ref()).await,
            Err(_) => return Ok(SetOutcome::Outdated),
        }
        let most = self.options.max_entry_bytes.unwrap_or(MAX_ENTRY_BYTES);
        let detail = if bytes > most {
            format!("{bytes} bytes exceed the largest entry of {most} bytes")
        } else {
            format!("its tags take more than the {ITEM_ROOM} bytes that one item has room for")
        };
        Err(Error::new(ErrorKind::TooLarge, BACKEND, self.requests.operation).with_detail(detail))
    }
}

/// How long key and tags are: what a value shares its item with.
fn overhead_bytes(entry: &NewEntry) -> usize {
    let tags: usize = entry.tags.iter().map(|tag| tag.as_str().len() + 1).sum();
    tags + 2 * entry.key.as_str().len()
}
