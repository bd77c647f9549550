//! A resource's item: its attributes, and changes of it in expression.
//!
//! The names are short because every write pays for each started kilobyte of the item.

use store_core::backend::Activity;
use store_core::{DAY, Error, Resource, ResourceConfig, Timestamp};

use super::change::{BatchChange, Change, Cooldown, Exact, Range};
use super::state::{Past, State, Ungranted};
use super::varint::unreadable;
use crate::error::corrupt;
use crate::item::{Item, ItemKey, bytes, number, text, time_to_live, timestamp};
use crate::table::{Update, Values};

/// The partition of the list of resources.
pub(super) const RESOURCES: &str = "RESOURCES";
/// The sort key of a resource's item.
const STATE: &str = "STATE";

/// The key of a resource's item.
pub(super) fn key(resource: &Resource) -> ItemKey {
    ItemKey::new(format!("RATE#{resource}"), STATE)
}

/// Where a resource is listed.
pub(super) fn listing(resource: &Resource) -> ItemKey {
    ItemKey::new(RESOURCES, resource.as_str())
}

/// Decodes a state.
pub(super) fn decode(item: Option<Item>) -> Result<State, Error> {
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
        config: None,
        marks: [0; 4],
        past: Past::default(),
    };
    for (mark, name) in state.marks.iter_mut().zip(["l0", "l1", "l2", "l3"]) {
        *mark = item.count(name)?;
    }
    if let Some(config) = item.text("cfg")? {
        state.config = Some(config_of(config)?);
    }
    if state.version.is_some() {
        let past = item.take_bytes("s")?.ok_or_else(unreadable)?;
        state.past = Past::decode(&past)?;
    }
    Ok(state)
}

/// Decodes a configuration.
pub(super) fn config_of(stored: &str) -> Result<ResourceConfig, Error> {
    ResourceConfig::from_stored(stored).map_err(|error| {
        let unreadable = "a stored configuration cannot be read; set it again";
        corrupt("read", unreadable).with_source(error)
    })
}

/// An update under construction.
struct WriteExpression {
    set: Vec<String>,
    add: Vec<String>,
    remove: Vec<&'static str>,
    conditions: Vec<String>,
    values: Values,
}

impl WriteExpression {
    fn value(&mut self, name: &str, value: impl Into<i128>) {
        let values = std::mem::take(&mut self.values);
        self.values = values.with(name, number(value));
    }

    fn set(&mut self, name: &str, value: impl Into<i128>) {
        self.set.push(format!("#{name} = :{name}"));
        self.value(&format!(":{name}"), value);
    }

    fn add(&mut self, name: &str, value: i64) {
        if value != 0 {
            self.add.push(format!("#{name} :{name}"));
            self.value(&format!(":{name}"), value);
        }
    }

    fn within(&mut self, name: &str, range: Range) {
        if let Some(least) = range.least.filter(|least| *least > 0) {
            self.conditions.push(format!("#{name} >= :least_{name}"));
            self.value(&format!(":least_{name}"), least);
        }
        if let Some(most) = range.most {
            self.conditions.push(format!("#{name} <= :most_{name}"));
            self.value(&format!(":most_{name}"), most);
        }
    }

    fn equal(&mut self, name: &str, value: impl Into<i128>) {
        self.conditions.push(format!("#{name} = :seen_{name}"));
        self.value(&format!(":seen_{name}"), value);
    }
}

/// The write in expression. `mark` tells this write from all others; `keeps` whether something was stated
/// for the resource, so that the item must never be removed for its age.
pub(super) fn update(resource: &Resource, change: &Change, mark: u64, keeps: bool) -> Update {
    let mut expression = WriteExpression {
        set: Vec::new(),
        add: Vec::new(),
        remove: Vec::new(),
        conditions: Vec::new(),
        values: Values::default(),
    };
    if let Some(until) = change.no_cooldown_at {
        let over = "(attribute_not_exists(#cd) OR #cd <= :now)";
        expression.conditions.push(over.to_owned());
        expression.values = expression.values.with(":now", timestamp(until));
    }
    match change.version {
        None => create(&mut expression, change, mark),
        Some(version) => update_existing(&mut expression, change, version, mark),
    }
    if let Some((version, past)) = &change.past {
        expression.set("v", *version);
        expression.set.push("#s = :s".to_owned());
        expression.values = expression.values.with(":s", bytes(past.encode()));
        // Only an admission knows that no cooldown is in force, which the item has to outlive.
        if change.no_cooldown_at.is_some() && !keeps {
            expression.set.push("#TTL = :TTL".to_owned());
            expression.values = expression
                .values
                .with(":TTL", time_to_live(outlived_at(past)));
        } else {
            expression.remove.push("#TTL");
        }
    }
    if let Some(config) = &change.config {
        expression.set.push("#cfg = :cfg".to_owned());
        expression.values = expression.values.with(":cfg", text(config.as_str()));
    }
    if change.cooldown == Cooldown::Forget {
        expression.remove.push("#cd");
    }
    Update {
        key: key(resource),
        change: clauses(&expression),
        condition: expression.conditions.join(" AND "),
        values: expression.values,
    }
}

/// When nothing depends on the item any more: not before a day of silence is over, which how a limit
/// is shared depends on.
fn outlived_at(past: &Past) -> Timestamp {
    past.until().max(past.touched) + past.keep() + DAY * 2
}

fn clauses(expression: &WriteExpression) -> String {
    let mut clauses = Vec::new();
    for (verb, parts) in [
        ("SET", expression.set.join(", ")),
        ("ADD", expression.add.join(", ")),
        ("REMOVE", expression.remove.join(", ")),
    ] {
        if !parts.is_empty() {
            clauses.push(format!("{verb} {parts}"));
        }
    }
    clauses.join(" ")
}

fn create(expression: &mut WriteExpression, change: &Change, mark: u64) {
    expression
        .conditions
        .push("attribute_not_exists(#v)".to_owned());
    let ungranted = match change.batch {
        BatchChange::Set(ungranted) => ungranted,
        BatchChange::Keep | BatchChange::Add(..) => Ungranted::default(),
    };
    for (name, value) in [
        ("n", change.add_count),
        ("b", change.add_background),
        ("du", change.add_users_asked),
        ("db", change.add_background_asked),
        ("g", ungranted.count.into()),
        ("h", ungranted.background.into()),
        ("l1", 0),
        ("l2", 0),
        ("l3", 0),
    ] {
        expression.set(name, value);
    }
    expression.set("l0", mark);
    if change.exact == Exact::Set {
        expression.set("e", 1);
    }
}

fn update_existing(expression: &mut WriteExpression, change: &Change, version: u64, mark: u64) {
    expression.equal("v", version);
    expression.within("n", change.count);
    expression.within("b", change.background);
    if let Some(asked) = change.asked {
        expression.equal("du", asked.user);
        expression.equal("db", asked.background);
    }
    if let Some(ungranted) = change.ungranted {
        expression.equal("g", ungranted.count);
        expression.equal("h", ungranted.background);
    }
    if change.needs_exact {
        expression
            .conditions
            .push("attribute_exists(#e)".to_owned());
    }
    for name in ["l0", "l1", "l2", "l3"] {
        expression.conditions.push(format!("#{name} <> :l0"));
    }
    expression.set.extend(
        ["#l3 = #l2", "#l2 = #l1", "#l1 = #l0"]
            .iter()
            .map(|part| (*part).to_owned()),
    );
    expression.set("l0", mark);
    expression.add("n", change.add_count);
    expression.add("b", change.add_background);
    expression.add("du", change.add_users_asked);
    expression.add("db", change.add_background_asked);
    match change.batch {
        BatchChange::Keep => {}
        BatchChange::Add(count, background) => {
            expression.add("g", count);
            expression.add("h", background);
        }
        BatchChange::Set(ungranted) => {
            expression.set("g", ungranted.count);
            expression.set("h", ungranted.background);
        }
    }
    match change.exact {
        Exact::Keep => {}
        Exact::Set => expression.set("e", 1),
        Exact::Clear => expression.remove.push("#e"),
    }
}
