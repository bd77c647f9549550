//! Bare items of structured fields (RFC 9651, section 4.2.3.1).

use super::Input;

/// The value of a dictionary's member, as far as caching fields use its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BareItem {
    /// An integer.
    Integer(i64),
    /// A Boolean, also of a member without a value.
    Boolean(bool),
    /// A string.
    String(String),
    /// An inner list of strings.
    Strings(Vec<String>),
    /// A value of another type: a decimal, token, byte sequence, date, display string or other inner list.
    Other,
}

impl Input<'_> {
    pub(super) fn bare_item(&mut self) -> Option<BareItem> {
        match self.peek()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => self.boolean(),
            b':' => self.byte_sequence(),
            b'@' => self.date(),
            b'%' => self.display_string(),
            b'a'..=b'z' | b'A'..=b'Z' | b'*' => Some(self.token()),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<BareItem> {
        let is_negative = self.take(b'-');
        let whole = self.run(|byte| byte.is_ascii_digit()).to_owned();
        if whole.is_empty() {
            return None;
        }
        if self.take(b'.') {
            let fraction = self.run(|byte| byte.is_ascii_digit());
            let is_valid = whole.len() <= 12 && (1..=3).contains(&fraction.len());
            return is_valid.then_some(BareItem::Other);
        }
        if whole.len() > 15 {
            return None;
        }
        let number: i64 = whole.parse().ok()?;
        Some(BareItem::Integer(if is_negative {
            -number
        } else {
            number
        }))
    }

    fn string(&mut self) -> Option<BareItem> {
        self.next()?;
        let mut text = String::new();
        loop {
            match self.next()? {
                b'"' => return Some(BareItem::String(text)),
                b'\\' => match self.next()? {
                    escaped @ (b'"' | b'\\') => text.push(char::from(escaped)),
                    _ => return None,
                },
                byte @ 0x20..=0x7E => text.push(char::from(byte)),
                _ => return None,
            }
        }
    }

    fn boolean(&mut self) -> Option<BareItem> {
        self.next()?;
        match self.next()? {
            b'0' => Some(BareItem::Boolean(false)),
            b'1' => Some(BareItem::Boolean(true)),
            _ => None,
        }
    }

    fn byte_sequence(&mut self) -> Option<BareItem> {
        self.next()?;
        self.run(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        self.take(b':').then_some(BareItem::Other)
    }

    fn date(&mut self) -> Option<BareItem> {
        self.next()?;
        let is_whole = matches!(self.number()?, BareItem::Integer(_));
        is_whole.then_some(BareItem::Other)
    }

    /// `%"…"` with percent-encoded UTF-8 (section 4.2.10).
    fn display_string(&mut self) -> Option<BareItem> {
        self.next()?;
        if !self.take(b'"') {
            return None;
        }
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return std::str::from_utf8(&bytes).ok().map(|_| BareItem::Other),
                b'%' => {
                    let (high, low) = (hex(self.next()?)?, hex(self.next()?)?);
                    bytes.push(high << 4 | low);
                }
                byte @ 0x20..=0x7E => bytes.push(byte),
                _ => return None,
            }
        }
    }

    fn token(&mut self) -> BareItem {
        self.run(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
        BareItem::Other
    }
}

/// The value of a lower-case hexadecimal digit.
const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
