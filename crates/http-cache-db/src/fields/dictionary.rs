//! Dictionaries of structured fields (RFC 9651, section 4.2.2), strict: one error voids the whole field.

mod bare_item;
mod string_list;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub use bare_item::BareItem;
pub use string_list::parse_string_list;

/// The members of a dictionary in their order, of equal keys with the last value; `None` if the field is malformed.
/// Parameters are checked and left out.
///
/// ```
/// use http_cache_db::fields::{BareItem, parse_dictionary};
///
/// let members = parse_dictionary("max-age=60;x=1, private").unwrap();
/// assert_eq!(members[0], ("max-age".to_owned(), BareItem::Integer(60)));
/// assert_eq!(members[1], ("private".to_owned(), BareItem::Boolean(true)));
/// assert_eq!(parse_dictionary("max-age=60,"), None);
/// ```
#[must_use]
pub fn parse_dictionary(value: &str) -> Option<Vec<(String, BareItem)>> {
    let mut input = Input(value.trim_matches(' ').as_bytes());
    let mut members: Vec<(String, BareItem)> = Vec::new();
    let mut positions = HashMap::<String, usize>::new();
    let mut has_more = !input.0.is_empty();
    while has_more {
        let key = input.key()?;
        let item = if input.take(b'=') {
            input.member_value()?
        } else {
            BareItem::Boolean(true)
        };
        input.parameters()?;
        match positions.entry(key) {
            Entry::Occupied(earlier) => members[*earlier.get()].1 = item,
            Entry::Vacant(new) => {
                members.push((new.key().clone(), item));
                new.insert(members.len() - 1);
            }
        }
        has_more = input.has_more()?;
    }
    Some(members)
}

/// What is left of the field.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.0 = &self.0[1..];
        }
        is_next
    }

    fn skip(&mut self, bytes: &[u8]) {
        while self.peek().is_some_and(|byte| bytes.contains(&byte)) {
            self.0 = &self.0[1..];
        }
    }

    /// The longest prefix of bytes that `is_part` accepts.
    fn run(&mut self, is_part: impl Fn(u8) -> bool) -> &str {
        let len = self.0.iter().take_while(|byte| is_part(**byte)).count();
        let (run, rest) = self.0.split_at(len);
        self.0 = rest;
        std::str::from_utf8(run).unwrap_or_default()
    }

    /// Whether another member follows; `None` if neither a member nor the end does.
    fn has_more(&mut self) -> Option<bool> {
        self.skip(b" \t");
        if self.0.is_empty() {
            return Some(false);
        }
        if !self.take(b',') {
            return None;
        }
        self.skip(b" \t");
        (!self.0.is_empty()).then_some(true)
    }

    fn key(&mut self) -> Option<String> {
        if !matches!(self.peek()?, b'a'..=b'z' | b'*') {
            return None;
        }
        let is_part = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
        Some(self.run(is_part).to_owned())
    }

    fn member_value(&mut self) -> Option<BareItem> {
        if !self.take(b'(') {
            return self.bare_item();
        }
        let mut strings = Some(Vec::new());
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(strings.map_or(BareItem::Other, BareItem::Strings));
            }
            match (self.bare_item()?, &mut strings) {
                (BareItem::String(string), Some(strings)) => strings.push(string),
                _ => strings = None,
            }
            self.parameters()?;
            if !matches!(self.peek()?, b' ' | b')') {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip(b" ");
            self.key()?;
            if self.take(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_recognised() {
        let members = parse_dictionary(
            r#"a=1, b=-2, c=?0, d="x\"y", e=1.5, f=tok/en, g=:aGk=:, h=@5, i=%"%c3%a4", j=(1 "x";p), k, l=("x";p "y"), m=()"#,
        );
        let items: Vec<_> = members.unwrap().into_iter().map(|(_, item)| item).collect();
        assert_eq!(
            items,
            [
                BareItem::Integer(1),
                BareItem::Integer(-2),
                BareItem::Boolean(false),
                BareItem::String("x\"y".to_owned()),
                BareItem::Other,
                BareItem::Other,
                BareItem::Other,
                BareItem::Other,
                BareItem::Other,
                BareItem::Other,
                BareItem::Boolean(true),
                BareItem::Strings(vec!["x".to_owned(), "y".to_owned()]),
                BareItem::Strings(Vec::new()),
            ]
        );
    }

    #[test]
    fn of_equal_keys_the_last_value_counts() {
        let members = parse_dictionary("a=1, b, a=2").unwrap();
        assert_eq!(members[0], ("a".to_owned(), BareItem::Integer(2)));
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn one_error_voids_the_field() {
        for value in [
            ",",
            "a,",
            "a,,b",
            "A=1",
            "a=",
            "a=1 b",
            "a=1.",
            "a=1.2345",
            "a=--1",
            "a=\"x",
            "a=\"\\x\"",
            "a=?2",
            "a=:x",
            "a=(1",
            "a=(1,2)",
            "a;=1",
            "a=@1.5",
            "a=%\"%C3\"",
            "a=1234567890123456",
            "\u{e4}=1",
        ] {
            assert_eq!(parse_dictionary(value), None, "{value}");
        }
    }
}
