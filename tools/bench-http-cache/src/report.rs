//! What a run prints: Markdown, as `docs/benchmarks.md` has it.

use std::fmt::{self, Formatter};

use crate::aims::{Aims, beside_body};
use crate::parts::{Part, Parts};
use crate::run::{Corpus, Round};
use crate::statistics::{Figures, median};

type FiguresOf = fn(&Round) -> Figures;

/// All results of a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) corpus: Corpus,
    pub(crate) rounds: Vec<Round>,
    pub(crate) parts: Parts,
    pub(crate) aims: Aims,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Corpus { entries, bodies } = self.corpus;
        writeln!(
            f,
            "{entries} entries, mean body {} bytes; medians of {} rounds.\n",
            bodies / entries,
            self.rounds.len()
        )?;
        writeln!(f, "{}", self.aims)?;
        self.times(f)?;
        self.sizes(f)?;
        self.parts.fmt(f)
    }
}

impl Report {
    fn times(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "| microseconds | p50 | p99 | mean |\n|---|---|---|---|")?;
        let lines: [(&str, FiguresOf); 7] = [
            ("hit, ours", |round| round.ours.hit),
            ("hit, moka", |round| round.moka.hit),
            ("hit, redb", |round| round.redb.hit),
            ("put, ours", |round| round.ours.put),
            ("put, moka", |round| round.moka.put),
            ("put, redb", |round| round.redb.put),
            ("validation (304), ours", |round| round.validation),
        ];
        for (what, figures) in lines {
            let runs: Vec<Figures> = self.rounds.iter().map(figures).collect();
            let Figures { p50, p99, mean } = Figures::median(&runs);
            writeln!(f, "| {what} | {p50:.1} | {p99:.1} | {mean:.1} |")?;
        }
        writeln!(f)
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes of files")]
    fn sizes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mega = |bytes: u64| bytes as f64 / 1e6;
        let of = |figure: fn(&Round) -> f64| median(self.rounds.iter().map(figure));
        let bodies = of(|round| round.size.bodies as f64) / 1e6;
        writeln!(f, "| bytes | |\n|---|---|")?;
        writeln!(f, "| bodies | {:.1} MB |", mega(self.corpus.bodies))?;
        writeln!(
            f,
            "| bodies, compressed | {bodies:.1} MB, {:.2} times less |",
            mega(self.corpus.bodies) / bodies
        )?;
        let file = of(|round| round.size.file as f64) / 1e6;
        writeln!(f, "| our file, after a checkpoint | {file:.1} MB |")?;
        let beside = self
            .rounds
            .iter()
            .map(|round| beside_body(round, &self.corpus));
        writeln!(
            f,
            "| an entry in it, besides its compressed body | {:.0} |",
            median(beside)
        )?;
        let redb = of(|round| round.redb_file as f64) / 1e6;
        writeln!(f, "| redb's file | {redb:.1} MB |")?;
        let grown = of(|round| round.growth.bodies as f64);
        writeln!(f, "| bodies that validations added | {grown:.0} |")?;
        let written = of(|round| round.growth.written.unwrap_or(f64::NAN));
        writeln!(
            f,
            "| written per validation, log and checkpoints included | {written:.0} |\n"
        )
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (what, parts) in [("hit", &self.hit), ("put", &self.put)] {
            writeln!(
                f,
                "| part of a {what} | p50 | p99 | mean |\n|---|---|---|---|"
            )?;
            for Part { what, figures } in parts {
                let Figures { p50, p99, mean } = figures;
                writeln!(f, "| {what} | {p50:.2} | {p99:.2} | {mean:.2} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
