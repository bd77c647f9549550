//! A deterministic random number generator.

/// A deterministic generator (`SplitMix64`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeededRng(u64);

impl SeededRng {
    /// A generator seeded by these coordinates.
    pub(crate) fn new(coordinates: &[u64]) -> Self {
        let start = coordinates.iter().fold(0, |state, coordinate| {
            mix(state ^ coordinate.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        });
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        // The high half, scaled: always below `end`, so the conversion cannot fail.
        let scaled = ((self.next() >> 32) * u64::from(end)) >> 32;
        u32::try_from(scaled).unwrap_or(0)
    }

    /// True with a probability of `share` percent.
    pub(crate) fn percent(&mut self, share: u32) -> bool {
        self.below(100) < share
    }

    /// One of `words`.
    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let count = u32::try_from(words.len()).unwrap_or(u32::MAX);
        words.get(self.below(count) as usize).copied().unwrap_or("")
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
