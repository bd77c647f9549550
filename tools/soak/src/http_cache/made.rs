//! Bodies that follow from a field of their response, so that any reader knows what they have to be.

use store_core::Random as _;
use store_core::backend::SeededRandom;

/// The field from which the body follows.
pub(super) const FIELD: &str = "x-made";

/// What a body follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) target: usize,
    pub(super) variant: usize,
    /// When its fill had begun, in Unix milliseconds.
    pub(super) version: i64,
    /// Which of the bodies that all targets share it is; `None` for one of its own.
    pub(super) shared: Option<u64>,
}

impl Made {
    pub(super) fn to_field(self) -> String {
        let shared = self.shared.map_or("own".to_owned(), |it| it.to_string());
        let Self {
            target,
            variant,
            version,
            ..
        } = self;
        format!("{target}/{variant}/{version}/{shared}")
    }

    pub(super) fn parse(field: &str) -> Option<Self> {
        let mut parts = field.split('/');
        let made = Self {
            target: parts.next()?.parse().ok()?,
            variant: parts.next()?.parse().ok()?,
            version: parts.next()?.parse().ok()?,
            shared: match parts.next()? {
                "own" => None,
                number => Some(number.parse().ok()?),
            },
        };
        parts.next().is_none().then_some(made)
    }

    /// Half of the bodies are texts, which get shorter when they are compressed.
    pub(super) fn content_type(self) -> &'static str {
        if self.is_text() {
            "application/json"
        } else {
            "image/jpeg"
        }
    }

    fn is_text(self) -> bool {
        self.seed().is_multiple_of(2)
    }

    /// Half of the targets have bodies of which each version differs from the others in a few bytes.
    fn is_edited(self) -> bool {
        self.shared.is_none() && self.target.is_multiple_of(2)
    }

    fn seed(self) -> u64 {
        if let Some(shared) = self.shared {
            return shared;
        }
        let target = u64::try_from(self.target).unwrap_or_default();
        let variant = u64::try_from(self.variant).unwrap_or_default();
        let own = SeededRandom::new(target << 32 | variant << 24 | 1 << 63).next_u64();
        if self.is_edited() {
            own
        } else {
            own ^ self.version.unsigned_abs()
        }
    }

    pub(super) fn body(self) -> Vec<u8> {
        const WORDS: [&[u8; 8]; 4] = [b"{\"name\":", b"\"Saga\"},", b"[12, 34]", b"null,   "];
        let random = SeededRandom::new(self.seed());
        let len = len(&random);
        let mut body = Vec::with_capacity(len + 8);
        while body.len() < len {
            let next = random.next_u64();
            if self.is_text() && !next.is_multiple_of(8) {
                let word = usize::try_from(next >> 8).unwrap_or_default() % WORDS.len();
                body.extend_from_slice(WORDS[word]);
            } else {
                body.extend_from_slice(&next.to_le_bytes());
            }
        }
        body.truncate(len);
        if self.is_edited() {
            let edit = self.version.to_string();
            let place = usize::try_from(self.version.unsigned_abs()).unwrap_or_default() % len;
            body.splice(place..place, edit.into_bytes());
        }
        body
    }
}

/// Mostly short; one in twenty is stored in chunks.
fn len(random: &SeededRandom) -> usize {
    let (least, most) = match random.next_u64() % 100 {
        0..60 => (100, 8 << 10),
        60..85 => (8 << 10, 64 << 10),
        85..95 => (64 << 10, 1 << 20),
        _ => (1 << 20, 3 << 20),
    };
    let within = usize::try_from(random.next_u64() >> 16).unwrap_or_default();
    least + within % (most - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_what_its_body_is() {
        let made = Made {
            target: 7,
            variant: 1,
            version: 1_700_000_000_000,
            shared: None,
        };
        assert_eq!(Made::parse(&made.to_field()), Some(made));
        assert_eq!(made.body(), made.body());
        let next = Made {
            version: made.version + 1,
            ..made
        };
        assert_ne!(made.body(), next.body());
        let edited = Made { target: 8, ..made };
        let next = Made { target: 8, ..next };
        assert_ne!(edited.body(), next.body());
        assert_eq!(edited.body().len(), next.body().len());
        let shared = |target| Made {
            target,
            shared: Some(3),
            ..made
        };
        assert_eq!(Made::parse(&shared(1).to_field()), Some(shared(1)));
        assert_eq!(shared(1).body(), shared(2).body());
        assert_eq!(Made::parse("1/2/x/own"), None);
    }

    #[test]
    fn bodies_are_of_all_lengths() {
        let bodies = (0..200).map(|version| {
            let made = Made {
                target: 1,
                variant: 0,
                version,
                shared: None,
            };
            made.body().len()
        });
        let bodies: Vec<_> = bodies.collect();
        assert!(bodies.iter().all(|len| (100..3 << 20).contains(len)));
        assert!(bodies.iter().any(|len| *len > 1 << 20));
        assert!(bodies.iter().any(|len| *len < 8 << 10));
    }
}
