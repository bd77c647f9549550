//! What is to be reached, and whether it was.

use std::fmt::{self, Formatter};

use crate::run::{Corpus, Round, Side};
use crate::statistics::median;

/// Each aim as a ratio that must not be exceeded; the ratios are medians over the rounds of a run.
#[derive(Clone, Debug)]
pub(crate) struct Aims(Vec<Aim>);

#[derive(Clone, Debug)]
struct Aim {
    what: &'static str,
    most: f64,
    reached: f64,
}

/// The bytes that an entry may take in the file besides its compressed body.
const BYTES_PER_ENTRY: f64 = 900.0;

impl Aims {
    pub(crate) fn of(rounds: &[Round], corpus: &Corpus) -> Self {
        let ratio = |figure: fn(&Side) -> f64, peer: fn(&Round) -> &Side| {
            median(
                rounds
                    .iter()
                    .map(|round| figure(&round.ours) / figure(peer(round))),
            )
        };
        Self(vec![
            Aim {
                what: "hit p50, of moka's",
                most: 1.2,
                reached: ratio(|side| side.hit.p50, |round| &round.moka),
            },
            Aim {
                what: "hit p99, of moka's",
                most: 1.5,
                reached: ratio(|side| side.hit.p99, |round| &round.moka),
            },
            Aim {
                what: "put p50, of redb's",
                most: 8.0,
                reached: ratio(|side| side.put.p50, |round| &round.redb),
            },
            Aim {
                what: "bytes of an entry besides its compressed body",
                most: BYTES_PER_ENTRY,
                reached: median(rounds.iter().map(|round| beside_body(round, corpus))),
            },
        ])
    }

    pub(crate) fn are_met(&self) -> bool {
        self.0.iter().all(Aim::is_met)
    }
}

/// The bytes of an entry in the file besides its compressed body.
#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
pub(crate) fn beside_body(round: &Round, corpus: &Corpus) -> f64 {
    let rest = round.size.file.saturating_sub(round.size.bodies);
    rest as f64 / corpus.entries as f64
}

impl Aim {
    /// False for what is no number.
    fn is_met(&self) -> bool {
        self.reached <= self.most
    }
}

impl fmt::Display for Aims {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "| aim | at most | reached | met |\n|---|---|---|---|")?;
        for aim in &self.0 {
            let places = if aim.most < 100.0 { 2 } else { 0 };
            let Aim {
                what,
                most,
                reached,
            } = aim;
            let met = if aim.is_met() { "yes" } else { "**no**" };
            writeln!(f, "| {what} | {most} | {reached:.places$} | {met} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aims(reached: f64) -> Aims {
        Aims(vec![Aim {
            what: "hit",
            most: 1.2,
            reached,
        }])
    }

    #[test]
    fn what_is_more_or_unknown_is_a_miss() {
        assert!(aims(1.2).are_met());
        assert!(!aims(1.21).are_met());
        assert!(!aims(f64::NAN).are_met());
        assert!(aims(1.3).to_string().ends_with("| 1.2 | 1.30 | **no** |\n"));
    }
}
