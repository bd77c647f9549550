//! Whole numbers in as few bytes as they need: seven bits each, the least significant first.

use store_core::{Error, Timestamp};

use crate::error::corrupt;

/// Appends a number.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a number of either sign, small ones in few bytes.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(
        out,
        (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned(),
    );
}

/// Appends a moment by its distance from `base`.
pub(super) fn put_moment(out: &mut Vec<u8>, base: Timestamp, at: Timestamp) {
    put_signed(out, base.as_millis().wrapping_sub(at.as_millis()));
}

/// Reads numbers in the order in which they were appended.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or_else(unreadable)?;
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(unreadable())
    }

    pub(super) fn small(&mut self) -> Result<u32, Error> {
        u32::try_from(self.number()?).map_err(|_| unreadable())
    }

    pub(super) fn signed(&mut self) -> Result<i64, Error> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn millis(&mut self) -> Result<i64, Error> {
        i64::try_from(self.number()?).map_err(|_| unreadable())
    }

    pub(super) fn moment(&mut self, base: Timestamp) -> Result<Timestamp, Error> {
        let distance = self.signed()?;
        Ok(Timestamp::from_millis(
            base.as_millis().wrapping_sub(distance),
        ))
    }
}

pub(super) fn unreadable() -> Error {
    corrupt(
        "read",
        "the history of a limit cannot be decoded; reset the resource",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_their_order() {
        let (mut out, base) = (Vec::new(), Timestamp::from_millis(1_700_000_000_000));
        for number in [0, 127, 128, u64::MAX] {
            put(&mut out, number);
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            put_signed(&mut out, number);
        }
        for at in [base, Timestamp::MIN, Timestamp::MAX] {
            put_moment(&mut out, base, at);
        }
        let mut reader = Reader::new(&out);
        for number in [0, 127, 128, u64::MAX] {
            assert_eq!(reader.number().unwrap(), number);
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(reader.signed().unwrap(), number);
        }
        for at in [base, Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(reader.moment(base).unwrap(), at);
        }
        assert!(reader.number().is_err(), "there is no more");
    }

    #[test]
    fn small_numbers_take_one_byte() {
        let mut out = Vec::new();
        put_signed(&mut out, -64);
        put_signed(&mut out, 63);
        assert_eq!(out.len(), 2);
    }
}
