//! The result of a run, and whether it passes.

use std::time::Duration;

use store_core::Timestamp;

use crate::measure::{fullest_window, possible, sparkline, timeline};
use crate::table::{Column, Table};

use super::job::Admission;

/// Waking late costs something; a limiter that uses less than this, in percent, wastes its limit.
const LEAST_SHARE_PERCENT: u128 = 95;

/// Bars of a sparkline, at most.
const MOST_BARS: u32 = 60;

/// The limit, and how long it is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) limit: u32,
    pub(crate) window: Duration,
    pub(crate) duration: Duration,
    pub(crate) limiter: Limiter,
}

/// How exactly the limiter counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limiter {
    /// To the millisecond, by one clock.
    Exact,
    /// An admission counts for this much longer than its window. If the clocks of its processes
    /// differ, no moment that it names is that of the call.
    Coarse {
        longer: Duration,
        clocks_agree: bool,
        /// How long after it was decided an admission may be answered.
        lag: Duration,
    },
}

impl Parameters {
    pub(crate) fn possible(&self) -> u128 {
        match self.limiter {
            Limiter::Exact => possible(self.limit, self.window, self.duration),
            Limiter::Coarse { longer, .. } => {
                let period = (self.window + longer).as_nanos().max(1);
                u128::from(self.limit) * self.duration.as_nanos() / period
            }
        }
    }

    fn clocks_agree(&self) -> bool {
        !matches!(
            self.limiter,
            Limiter::Coarse {
                clocks_agree: false,
                ..
            }
        )
    }

    /// How much time a bar stands for, in seconds.
    fn bar_secs(&self) -> u64 {
        self.duration.as_secs().div_ceil(MOST_BARS.into()).max(1)
    }

    fn bars(&self) -> usize {
        let bars = self
            .duration
            .as_millis()
            .div_ceil(u128::from(self.bar_secs()) * 1_000);
        usize::try_from(bars).unwrap_or(0)
    }
}

/// The result of one run.
#[derive(Debug)]
pub(crate) struct Report {
    admitted: usize,
    fullest: usize,
    stray: usize,
    /// The fewest and the most admissions of one process.
    of_a_process: (usize, usize),
    timeline: Vec<usize>,
}

impl Report {
    pub(crate) fn new(
        parameters: &Parameters,
        began_at: Timestamp,
        workers: &[Vec<Admission>],
    ) -> Self {
        let start = began_at.as_millis();
        let end = (began_at + parameters.duration).as_millis();
        let all = || workers.iter().flatten();
        let mut counted: Vec<i64> = all().map(|it| it.counted).collect();
        counted.sort_unstable();
        let window = i64::try_from(parameters.window.as_millis()).unwrap_or(i64::MAX);
        let mut fullest = fullest_window(&counted, window);
        let mut moments = counted;
        if let Limiter::Coarse {
            clocks_agree: false,
            lag,
            ..
        } = parameters.limiter
        {
            // What a clock says that is wrong is no proof: when the answers came is.
            moments = all().map(|it| it.answered).collect();
            moments.sort_unstable();
            let lag = i64::try_from(lag.as_millis()).unwrap_or(i64::MAX);
            fullest = fullest.max(fullest_window(&moments, window.saturating_sub(lag)));
        }
        let counts = || workers.iter().map(Vec::len);
        let stray = all()
            .filter(|it| parameters.clocks_agree() && it.is_stray())
            .count();
        let bar = Duration::from_secs(parameters.bar_secs());
        Self {
            admitted: moments.iter().filter(|moment| **moment < end).count(),
            fullest,
            stray,
            of_a_process: (counts().min().unwrap_or(0), counts().max().unwrap_or(0)),
            timeline: timeline(&moments, start, bar, parameters.bars()),
        }
    }

    /// In thousandths of what was possible, rounded down.
    fn share_permille(&self, parameters: &Parameters) -> u128 {
        self.admitted as u128 * 1_000 / parameters.possible()
    }

    /// The first thing that is wrong.
    fn fault(&self, parameters: &Parameters) -> Option<&'static str> {
        if self.fullest as u128 > u128::from(parameters.limit) {
            Some("OVER THE LIMIT")
        } else if self.stray > 0 {
            Some("STRAY MOMENTS")
        } else if self.admitted as u128 * 100 < parameters.possible() * LEAST_SHARE_PERCENT {
            Some("TOO FEW")
        } else {
            None
        }
    }

    pub(crate) fn passes(&self, parameters: &Parameters) -> bool {
        self.fault(parameters).is_none()
    }
}

impl Admission {
    fn is_stray(&self) -> bool {
        !(self.asked..=self.answered).contains(&self.counted)
    }
}

/// One row per run, with the timeline of each as a line of bars, and what they stand for.
pub(crate) fn table(parameters: &Parameters, reports: &[Report]) -> String {
    let mut table = Table::new(&[
        Column::Right("run"),
        Column::Right("admitted"),
        Column::Right("possible"),
        Column::Right("share"),
        Column::Right("fullest"),
        Column::Right("limit"),
        Column::Right("stray"),
        Column::Right("a process"),
        Column::Left("outcome"),
        Column::Left("timeline"),
    ]);
    for (number, report) in (1..).zip(reports) {
        let permille = report.share_permille(parameters);
        let (fewest, most) = report.of_a_process;
        table.add([
            format!("{number}"),
            report.admitted.to_string(),
            parameters.possible().to_string(),
            format!("{}.{} %", permille / 10, permille % 10),
            report.fullest.to_string(),
            parameters.limit.to_string(),
            report.stray.to_string(),
            format!("{fewest}-{most}"),
            report.fault(parameters).unwrap_or("passed").to_owned(),
            sparkline(&report.timeline),
        ]);
    }
    let highest = reports.iter().flat_map(|report| &report.timeline).max();
    format!(
        "{table}A bar is {} s; the highest of all is {}.",
        parameters.bar_secs(),
        highest.unwrap_or(&0)
    )
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    const PARAMETERS: Parameters = Parameters {
        limit: 2,
        window: SECOND,
        duration: Duration::from_secs(2),
        limiter: Limiter::Exact,
    };

    fn report(moments: &[i64]) -> Report {
        let admission = |&at: &i64| Admission {
            asked: at,
            counted: at,
            answered: at,
        };
        let (first, second) = moments.split_at(1);
        let workers = [first, second].map(|part| part.iter().map(admission).collect());
        Report::new(&PARAMETERS, Timestamp::default(), &workers)
    }

    #[test]
    fn a_limit_that_is_kept_and_used_up_passes() {
        let report = report(&[0, 3, 1_000, 1_003]);
        assert!(report.passes(&PARAMETERS));
        let shown = table(&PARAMETERS, &[report]);
        let expected = "\
run  admitted  possible    share  fullest  limit  stray  a process  outcome  timeline
  1         4         4  100.0 %        2      2      0        1-3  passed   ██
A bar is 1 s; the highest of all is 2.";
        assert_eq!(shown, expected);
    }

    #[test]
    fn one_admission_too_many_fails_even_after_the_end() {
        let over = report(&[0, 3, 1_002, 1_003, 2_001]);
        assert_eq!(over.fault(&PARAMETERS), Some("OVER THE LIMIT"));
        assert_eq!(over.admitted, 4);
    }

    #[test]
    fn a_limit_that_is_not_used_up_fails() {
        let few = report(&[0, 3, 1_000]);
        assert_eq!(few.fault(&PARAMETERS), Some("TOO FEW"));
        assert_eq!(few.share_permille(&PARAMETERS), 750);
    }

    #[test]
    fn clocks_that_differ_are_no_alibi() {
        let parameters = Parameters {
            limiter: Limiter::Coarse {
                longer: SECOND,
                clocks_agree: false,
                lag: Duration::from_millis(10),
            },
            ..PARAMETERS
        };
        assert_eq!(parameters.possible(), 2);
        let admission = |counted, answered| Admission {
            asked: answered,
            counted,
            answered,
        };
        let kept = vec![
            admission(5, 0),
            admission(3_000, 900),
            admission(4_000, 1_000),
        ];
        assert!(Report::new(&parameters, Timestamp::default(), &[kept]).passes(&parameters));
        let over = vec![
            admission(5, 0),
            admission(3_000, 900),
            admission(4_000, 980),
        ];
        let report = Report::new(&parameters, Timestamp::default(), &[over]);
        assert_eq!(report.fault(&parameters), Some("OVER THE LIMIT"));
    }

    #[test]
    fn a_moment_outside_its_call_fails() {
        let admission = |counted| Admission {
            asked: 10,
            counted,
            answered: 20,
        };
        assert!(!admission(10).is_stray() && !admission(20).is_stray());
        assert!(admission(9).is_stray() && admission(21).is_stray());
        let workers = [[10, 10, 1_015, 1_020].map(admission).to_vec()];
        let report = Report::new(&PARAMETERS, Timestamp::default(), &workers);
        assert_eq!(report.fault(&PARAMETERS), Some("STRAY MOMENTS"));
    }
}
