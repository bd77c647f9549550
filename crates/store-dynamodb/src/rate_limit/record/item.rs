//! A resource's item: its attributes, and its conditional writes in expressions.
//!
//! The names are short because every write pays for each started kilobyte of the item.

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::backend::Activity;
use store_core::{Claim, DAY, Error, Resource, ResourceConfig, Result, Timestamp};

use super::{Past, State, Ungranted, unreadable};
use crate::error::corrupt;
use crate::item::{Item, ItemKey, bytes, number, text, time_to_live, timestamp};
use crate::rate_limit::transition::{BatchChange, Change, Cooldown, Exact, Range};
use crate::table::{Update, Values};

/// The partition of the list of resources.
pub(crate) const RESOURCES: &str = "RESOURCES";
/// The marks of the last writes, newest first.
const MARKS: [&str; 4] = ["l0", "l1", "l2", "l3"];

/// The key of a resource's item.
pub(crate) fn key(resource: &Resource) -> ItemKey {
    ItemKey::new(format!("RATE#{resource}"), "STATE")
}

/// The key under which a resource is listed.
pub(crate) fn listing(resource: &Resource) -> ItemKey {
    ItemKey::new(RESOURCES, resource.as_str())
}

/// Lists a resource at this moment, and the config that it was last claimed with.
pub(crate) fn listing_update(
    resource: &Resource,
    at: Timestamp,
    claimed: Option<&ResourceConfig>,
) -> Result<Update> {
    let mut write = Expression::default();
    write.set("at", timestamp(at));
    if let Some(config) = claimed {
        write.set("claimed", text(config.to_stored()?));
    }
    Ok(write.update(listing(resource)))
}

/// The claim that a listing stands for.
pub(crate) fn claim_of(listing: &Item, sort_key: &str) -> Result<Option<Claim>> {
    let Some(name) = listing.text(sort_key)? else {
        return Ok(None);
    };
    let claim = Claim::new(Resource::new(name)?);
    Ok(Some(match listing.text("claimed")? {
        Some(config) => claim.with_config(config_of(config)?),
        None => claim,
    }))
}

/// Decodes a state.
pub(crate) fn decode(item: Option<Item>) -> Result<State> {
    let Some(mut item) = item else {
        return Ok(State::default());
    };
    let small = |name| u32::try_from(item.count(name)?).map_err(|_| unreadable());
    let mut state = State {
        version: item.number("v")?.map(i64::unsigned_abs),
        count: small("n")?,
        background: small("b")?,
        is_exact: item.has("e"),
        ungranted: Ungranted {
            count: small("g")?,
            background: small("h")?,
        },
        asked: Activity {
            user: item.count("du")?,
            background: item.count("db")?,
        },
        cooldown_until: item.timestamp("cd")?,
        config: item.text("cfg")?.map(config_of).transpose()?,
        ..State::default()
    };
    for (mark, name) in state.marks.iter_mut().zip(MARKS) {
        *mark = item.count(name)?;
    }
    if state.version.is_some() {
        state.past = Past::decode(&item.take_bytes("s")?.ok_or_else(unreadable)?)?;
    }
    Ok(state)
}

fn config_of(stored: &str) -> Result<ResourceConfig, Error> {
    ResourceConfig::from_stored(stored).map_err(|error| {
        let unreadable = "a stored configuration cannot be read; set it again";
        corrupt("read", unreadable).with_source(error)
    })
}

/// The expressions of a write under construction.
#[derive(Default)]
struct Expression {
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<&'static str>,
    conditions: Vec<String>,
    values: Values,
}

impl Expression {
    fn value(&mut self, name: &str, value: AttributeValue) {
        self.values = std::mem::take(&mut self.values).with(name, value);
    }

    fn set(&mut self, name: &str, value: AttributeValue) {
        self.set.push(format!("#{name} = :{name}"));
        self.value(&format!(":{name}"), value);
    }

    fn add(&mut self, name: &str, more: i64) {
        self.add.push(format!("#{name} :{name}"));
        self.value(&format!(":{name}"), number(more));
    }

    fn when(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    fn equal(&mut self, name: &str, value: impl Into<i128>) {
        self.when(format!("#{name} = :seen_{name}"));
        self.value(&format!(":seen_{name}"), number(value));
    }

    fn within(&mut self, name: &str, range: Range) {
        if let Some(least) = range.least.filter(|least| *least > 0) {
            self.when(format!("#{name} >= :least_{name}"));
            self.value(&format!(":least_{name}"), number(least));
        }
        if let Some(most) = range.most {
            self.when(format!("#{name} <= :most_{name}"));
            self.value(&format!(":most_{name}"), number(most));
        }
    }

    fn update(self, key: ItemKey) -> Update {
        let remove: Vec<_> = self.remove.iter().map(|name| (*name).to_owned()).collect();
        let clauses = [("SET", self.set), ("ADD", self.add), ("REMOVE", remove)];
        let clauses = clauses.into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", ")));
        Update {
            key,
            change: clauses.collect::<Vec<_>>().join(" "),
            condition: self.conditions.join(" AND "),
            values: self.values,
        }
    }
}

/// A change in expressions. `mark` tells this write from all others; `keeps` whether a configuration is stored,
/// so that the item must never expire.
pub(crate) fn write(resource: &Resource, change: &Change, mark: u64, keeps: bool) -> Update {
    let mut write = Expression::default();
    add_conditions(&mut write, change);
    if change.removes {
        return write.update(key(resource));
    }
    add_mark(&mut write, change, mark);
    add_counters(&mut write, change);
    match change.exact {
        Exact::Keep => {}
        Exact::Set => write.set("e", number(1)),
        Exact::Clear => write.remove.push("#e"),
    }
    if let Some((version, past)) = &change.past {
        write.set("v", number(*version));
        write.set("s", bytes(past.encode()));
        // Only an admission knows that no cooldown is in force, which the item has to outlive.
        if change.no_cooldown_at.is_some() && !keeps {
            write.set("TTL", time_to_live(outlived_at(past)));
        } else {
            write.remove.push("#TTL");
        }
    }
    if let Some(config) = &change.config {
        write.set("cfg", text(config.as_str()));
    }
    match change.cooldown {
        Cooldown::Keep => {}
        Cooldown::Forget | Cooldown::Replace { until: None, .. } => write.remove.push("#cd"),
        Cooldown::Extend(until)
        | Cooldown::Replace {
            until: Some(until), ..
        } => {
            write.set("cd", timestamp(until));
            write.remove.push("#TTL");
        }
    }
    write.update(key(resource))
}

/// When nothing depends on the item any more: not before a day of silence is over, which how a limit
/// is shared depends on.
fn outlived_at(past: &Past) -> Timestamp {
    past.until().max(past.touched) + past.keep() + DAY * 2
}

fn add_conditions(write: &mut Expression, change: &Change) {
    if let Some(at) = change.no_cooldown_at {
        write.when("(attribute_not_exists(#cd) OR #cd <= :now)");
        write.value(":now", timestamp(at));
    }
    match change.cooldown {
        Cooldown::Keep | Cooldown::Forget => {}
        Cooldown::Extend(_) => write.when("(attribute_not_exists(#cd) OR #cd < :cd)"),
        Cooldown::Replace { seen, .. } => write.equal("cd", seen.as_millis()),
    }
    let Some(version) = change.version else {
        return write.when("attribute_not_exists(#v)");
    };
    if matches!(change.cooldown, Cooldown::Keep | Cooldown::Forget) {
        write.equal("v", version);
    } else {
        // A cooldown applies whatever the past is.
        write.when("attribute_exists(#v)");
    }
    write.within("n", change.count);
    write.within("b", change.background);
    if let Some(asked) = change.asked {
        write.equal("du", asked.user);
        write.equal("db", asked.background);
    }
    if let Some(ungranted) = change.ungranted {
        write.equal("g", ungranted.count);
        write.equal("h", ungranted.background);
    }
    if change.needs_exact {
        write.when("attribute_exists(#e)");
    }
}

/// A try whose answer was lost is not made again: its mark is there.
fn add_mark(write: &mut Expression, change: &Change, mark: u64) {
    for pair in MARKS.windows(2).rev() {
        match change.version {
            Some(_) => write.set.push(format!("#{} = #{}", pair[1], pair[0])),
            None => write.set(pair[1], number(0)),
        }
    }
    write.set("l0", number(mark));
    if change.version.is_some() {
        for name in MARKS {
            write.when(format!("#{name} <> :l0"));
        }
    }
}

/// Every counter is there from the first write on, for conditions on it.
fn add_counters(write: &mut Expression, change: &Change) {
    let mut added = vec![
        ("n", change.add_count),
        ("b", change.add_background),
        ("du", change.add_users_asked),
        ("db", change.add_background_asked),
    ];
    match change.batch {
        BatchChange::Keep => added.extend([("g", 0), ("h", 0)]),
        BatchChange::Add(count, background) => added.extend([("g", count), ("h", background)]),
        BatchChange::Set(ungranted) => {
            write.set("g", number(ungranted.count));
            write.set("h", number(ungranted.background));
        }
    }
    for (name, more) in added {
        if more != 0 || change.version.is_none() {
            write.add(name, more);
        }
    }
}
