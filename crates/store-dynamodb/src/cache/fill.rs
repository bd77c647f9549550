//! Setting values; see the module's parent for what must stay true.
//!
//! The usual set writes the head under [`NewHead::condition`] and reads the epoch at the same time. The
//! condition holds if the former head is absent, a tombstone, expired, or has the same tags, and is not
//! of a later fill. Then there are two cases. Either none of the new head's subjects was invalidated
//! since its token, and it is stored. Or one was, and the new head is hidden for every reader from the
//! moment it was written; so was the former one if it had the same tags, as it is of the same epoch or
//! an earlier one.
//!
//! A former head with other tags refuses the write and is looked at. If one of *its* tags was invalidated
//! since the token, then the key was, and the fill is dropped, though its own tags say nothing of it.
//! Otherwise the head is written by a transaction that holds if neither former head nor epoch moved.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use store_core::backend::FillMark;
use store_core::{Error, ErrorKind, Key, NewEntry, Result, SetOutcome};

use super::body::{ITEM_ROOM, Packed, Placement};
use super::call::Call;
use super::epoch::{Epoch, epoch_key};
use super::head::{Head, NewHead, RETENTION, head_key};
use crate::error::{BACKEND, Cancellation, Failure};
use crate::item::{Item, number, text};
use crate::table::{Action, Values};

/// How often a value that others keep replacing is written anew.
const TRIES: u32 = 12;

/// What became of writing a head.
enum Put {
    /// It is there, in place of this.
    Done(Option<Head>),
    /// The condition did not hold.
    Refused(Option<Head>),
}

impl Call<'_> {
    /// Stores one value.
    pub(super) async fn store(&self, entry: NewEntry) -> Result<SetOutcome> {
        match entry.token.map(FillMark::from) {
            Some(token) if self.is_too_old(token) => Ok(SetOutcome::Outdated),
            Some(token) if self.is_short(&entry) => {
                Box::pin(self.store_at_once(entry, token)).await
            }
            _ => {
                let epoch = self.epoch().await?;
                Box::pin(self.store_under(entry, &epoch)).await
            }
        }
    }

    /// Stores several, those of one key one after the other.
    pub(super) async fn store_all(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let epoch = self.epoch().await?;
        let mut by_key: BTreeMap<Key, Vec<(usize, NewEntry)>> = BTreeMap::new();
        for (place, entry) in entries.into_iter().enumerate() {
            let same = by_key.entry(entry.key.clone()).or_default();
            same.push((place, entry));
        }
        let work = by_key
            .into_values()
            .map(|entries| self.store_in_turn(entries, &epoch));
        let mut outcomes = self.together(work.collect()).await?.concat();
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
            let outcome = self.store_under(entry, epoch).await;
            let outcome = outcome.map_err(|error| error.with_key(key.as_str()))?;
            outcomes.push((place, outcome));
        }
        Ok(outcomes)
    }

    fn is_too_old(&self, token: FillMark) -> bool {
        self.now.since(token.began_at) > RETENTION
    }

    /// The longest value that fits into a head with what else it holds; nothing if not even that fits.
    fn short_bytes(&self, entry: &NewEntry) -> Option<usize> {
        let room = ITEM_ROOM.checked_sub(overhead_bytes(entry))?;
        Some(self.options.chunk_bytes.min(room))
    }

    /// Whether the value goes into its head as it is.
    fn is_short(&self, entry: &NewEntry) -> bool {
        let bytes = entry.value.len();
        let fits = |short| bytes <= self.options.max_entry_bytes.min(short);
        self.short_bytes(entry).is_some_and(fits)
    }

    /// Stores a short value in one round trip: the head is written while the epoch is read.
    async fn store_at_once(&self, entry: NewEntry, token: FillMark) -> Result<SetOutcome> {
        let new = NewHead::new(&entry, token, self.fresh_id(), self.now);
        let place = Placement::inline(Packed::as_it_is(entry.value));
        let (epoch, put) = try_join(self.epoch(), Box::pin(self.put(&new, &place))).await?;
        let is_outdated = self.is_outdated(&new, &epoch).await?;
        match put {
            Put::Done(former) => {
                self.discard_former(&new, former.as_ref()).await;
                Ok(if is_outdated {
                    SetOutcome::Outdated
                } else {
                    SetOutcome::Stored
                })
            }
            Put::Refused(_) if is_outdated => Ok(SetOutcome::Outdated),
            Put::Refused(former) => self.replace_visible(&new, &place, former, &epoch).await,
        }
    }

    /// Stores a value when the epoch was read since the call began.
    async fn store_under(&self, entry: NewEntry, epoch: &Epoch) -> Result<SetOutcome> {
        let token = match entry.token.map(FillMark::from) {
            Some(token) if self.is_too_old(token) => return Ok(SetOutcome::Outdated),
            Some(token) => token,
            None => epoch.token(self.now)?,
        };
        let new = NewHead::new(&entry, token, self.fresh_id(), self.now);
        if self.is_outdated(&new, epoch).await? {
            return Ok(SetOutcome::Outdated);
        }
        let bytes = entry.value.len();
        let short = self.short_bytes(&entry);
        let Some(short) = short.filter(|_| bytes <= self.options.max_entry_bytes) else {
            return self.refuse(&new, bytes).await;
        };
        let packed = Packed::new(entry.value, short, self.operation).await?;
        if packed.len() <= short {
            let place = Placement::inline(packed);
            return self.write_head(&new, &place, epoch).await;
        }
        let place = Placement::chunks(packed, self.options.chunk_bytes.min(ITEM_ROOM));
        let written = self.write_chunks(&new, &place).await;
        let outcome = match written {
            Ok(()) => self.write_head(&new, &place, epoch).await,
            Err(_) => Ok(SetOutcome::Outdated),
        };
        // After an error the head may have been written all the same.
        if let Ok(SetOutcome::Outdated) = outcome {
            self.discard_chunks(place.removals(&new.id)).await;
        }
        written.and(outcome)
    }

    async fn write_chunks(&self, new: &NewHead, place: &Placement) -> Result<()> {
        let collected_at = new.chunks_collected_at(self.now);
        let chunks = place.writes(&new.id, &self.names().time_to_live, collected_at);
        let writes = chunks
            .into_iter()
            .map(|chunk| self.table.batch_write(self.operation, vec![chunk]));
        self.together(writes.collect()).await?;
        Ok(())
    }

    async fn write_head(
        &self,
        new: &NewHead,
        place: &Placement,
        epoch: &Epoch,
    ) -> Result<SetOutcome> {
        match self.put(new, place).await? {
            Put::Done(former) => {
                self.discard_former(new, former.as_ref()).await;
                Ok(SetOutcome::Stored)
            }
            Put::Refused(former) => self.replace_visible(new, place, former, epoch).await,
        }
    }

    /// Whether something that the value has to do with was invalidated since its fill began.
    async fn is_outdated(&self, new: &NewHead, epoch: &Epoch) -> Result<bool> {
        let asked = [(new.token.epoch, &*new.subjects)];
        let known = self.known(epoch, asked).await?;
        Ok(known.newest_after(new.token.epoch, &new.subjects).is_some())
    }

    async fn put(&self, new: &NewHead, place: &Placement) -> Result<Put> {
        let item = new.item(place, self.names(), self.now);
        let condition = new.condition(self.now);
        match self.replace(&head_key(&new.key), item, condition).await {
            Ok(former) => Ok(Put::Done(self.former(former)?)),
            Err(Failure::Refused(former)) => Ok(Put::Refused(self.former(former)?)),
            Err(other) => Err(other.into_error(self.operation)),
        }
    }

    fn former(&self, item: Option<Item>) -> Result<Option<Head>> {
        item.map_or(Ok(None), |item| self.head(item))
    }

    /// Removes the chunks of a replaced value; not the value's own, if the write was sent twice.
    async fn discard_former(&self, new: &NewHead, former: Option<&Head>) {
        self.discard(former.filter(|former| former.id != new.id))
            .await;
    }

    /// Writes the head in place of a visible one with other tags, or finds that it came too late.
    async fn replace_visible(
        &self,
        new: &NewHead,
        place: &Placement,
        mut former: Option<Head>,
        epoch: &Epoch,
    ) -> Result<SetOutcome> {
        let (token, mut epoch) = (new.token, epoch.clone());
        let mut seen: Option<String> = None;
        for attempt in 0..TRIES {
            if let Some(head) = former {
                if head.id == new.id {
                    return Ok(SetOutcome::Stored);
                }
                // Who wrote at the same time, and whose fill began no earlier, has won.
                let has_won = seen.is_some_and(|id| id != head.id)
                    && head.is_as_late_as(token, self.now)
                    || head.is_later_than(token, self.now);
                let is_voided =
                    head.epoch > token.epoch || self.is_voided(&head, new, &epoch).await?;
                if is_voided || has_won && !head.is_expired(self.now) {
                    return Ok(SetOutcome::Outdated);
                }
                match self.swap(new, place, &head, &epoch).await {
                    Ok(()) => {
                        self.discard_former(new, Some(&head)).await;
                        return Ok(SetOutcome::Stored);
                    }
                    Err(Failure::Cancelled(reasons)) => self.check_foreseen(&reasons)?,
                    Err(Failure::Conflict) => {}
                    Err(other) => return Err(other.into_error(self.operation)),
                }
                seen = Some(head.id);
            }
            self.wait(attempt).await;
            epoch = self.epoch().await?;
            if self.is_outdated(new, &epoch).await? {
                return Ok(SetOutcome::Outdated);
            }
            former = match self.put(new, place).await? {
                Put::Done(former) => {
                    self.discard_former(new, former.as_ref()).await;
                    return Ok(SetOutcome::Stored);
                }
                Put::Refused(former) => former,
            };
        }
        Err(Failure::Conflict.into_error(self.operation))
    }

    /// Whether the key was invalidated by a tag of its former value since the new one's fill began.
    async fn is_voided(&self, former: &Head, new: &NewHead, epoch: &Epoch) -> Result<bool> {
        if !former.is_live(self.now) {
            return Ok(false);
        }
        let asked = [(new.token.epoch, &*former.subjects)];
        let known = self.known(epoch, asked).await?;
        Ok(known
            .newest_after(new.token.epoch, &former.subjects)
            .is_some())
    }

    /// Passes over what is tried again, and fails for anything else.
    fn check_foreseen(&self, reasons: &[Cancellation]) -> Result<()> {
        for reason in reasons {
            if let Cancellation::Other(code) = reason {
                let error = Error::new(ErrorKind::Unavailable, BACKEND, self.operation);
                return Err(error.with_detail(format!("the service answered {code}")));
            }
        }
        Ok(())
    }

    /// Puts the head in place of exactly `former`, if nothing was invalidated since `epoch` was read.
    async fn swap(
        &self,
        new: &NewHead,
        place: &Placement,
        former: &Head,
        epoch: &Epoch,
    ) -> Result<(), Failure> {
        let count = epoch.count()?;
        let unmoved = if count == 0 {
            ("attribute_not_exists(#e)".to_owned(), Values::default())
        } else {
            let values = Values::default().with(":e", number(count));
            ("#e = :e".to_owned(), values)
        };
        let actions = vec![
            Action::Put {
                key: head_key(&new.key),
                item: new.item(place, self.names(), self.now),
                condition: "#id = :id".to_owned(),
                values: Values::default().with(":id", text(&former.id)),
            },
            Action::Check {
                key: epoch_key(),
                condition: unmoved.0,
                values: unmoved.1,
            },
        ];
        self.table.transact(self.operation, actions).await
    }

    /// Refuses a value that is too large; what was stored before is gone.
    async fn refuse(&self, new: &NewHead, bytes: usize) -> Result<SetOutcome> {
        let (epoch, heads) = self.heads(std::slice::from_ref(&new.key)).await?;
        for former in &heads {
            if self.is_voided(former, new, &epoch).await? {
                return Ok(SetOutcome::Outdated);
            }
        }
        let tombstone = new.tombstone(self.names(), self.now);
        let condition = new.tombstone_condition(self.now);
        match self
            .replace(&head_key(&new.key), tombstone, condition)
            .await
        {
            Ok(former) => self.discard(self.former(former)?.as_ref()).await,
            Err(Failure::Refused(_)) => return Ok(SetOutcome::Outdated),
            Err(other) => return Err(other.into_error(self.operation)),
        }
        let most = self.options.max_entry_bytes;
        let detail = if bytes > most {
            format!("{bytes} bytes exceed the largest entry of {most} bytes")
        } else {
            format!("its tags take more than the {ITEM_ROOM} bytes that one item has room for")
        };
        Err(Error::new(ErrorKind::TooLarge, BACKEND, self.operation).with_detail(detail))
    }
}

/// How long key and tags are: what a value shares its item with.
fn overhead_bytes(entry: &NewEntry) -> usize {
    let tags: usize = entry.tags.iter().map(|tag| tag.as_str().len() + 1).sum();
    tags + 2 * entry.key.as_str().len()
}
