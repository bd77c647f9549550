//! What came of the load on all three stores, whichever they are.

use super::load::{cache, jobs, limits};

/// How often something is wrong, and its name.
pub(super) type Fault = (usize, &'static str);

#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Workers that did not end.
    pub(super) hung: usize,
    pub(super) limits: limits::Tally,
    pub(super) cache: cache::Tally,
    pub(super) jobs: jobs::Tally,
}

impl Tally {
    /// Headings of what is shown of values and jobs alike in every soak.
    pub(super) const HEADINGS: [&str; 11] = [
        "stale", "kept", "lost", "settled", "fenced", "twice", "robbed", "waited", "wrong",
        "longest", "stuck",
    ];

    /// What stands under the headings.
    pub(super) fn cells(&self) -> [String; 11] {
        let Self { cache, jobs, .. } = self;
        [
            cache.stale.to_string(),
            cache.kept.to_string(),
            cache.lost.to_string(),
            jobs.settled.to_string(),
            jobs.fenced.to_string(),
            jobs.twice.to_string(),
            jobs.robbed.to_string(),
            jobs.waited.to_string(),
            jobs.wrong.to_string(),
            format!("{} ms", jobs.longest_millis),
            jobs.stuck.to_string(),
        ]
    }

    /// The first thing that is wrong, with what a soak looks at besides: what is worse, and the rest.
    pub(super) fn fault(&self, worse: &[Fault], rest: &[Fault]) -> Option<&'static str> {
        let load = [
            (self.limits.over, "OVER THE LIMIT"),
            (self.limits.adrift, "LOST ADMISSIONS"),
            (self.cache.stale, "STALE VALUES"),
            (self.cache.lost, "LOST VALUES"),
            (self.jobs.twice, "TWO OWNERS"),
            (self.jobs.robbed, "ROBBED OWNERS"),
            (self.jobs.wrong, "WRONG OUTCOMES"),
            (self.jobs.stuck, "STUCK WAITERS"),
            (self.hung, "HUNG WORKERS"),
        ];
        let idle = [(usize::from(self.is_idle()), "NOTHING DONE")];
        let mut all = [worse, &load, rest, &idle].into_iter().flatten();
        all.find(|(count, _)| *count > 0).map(|(_, fault)| *fault)
    }

    /// Nothing wrong is no proof if nothing was done.
    fn is_idle(&self) -> bool {
        [
            self.limits.admitted,
            self.cache.hits,
            self.cache.kept,
            self.jobs.settled,
            self.jobs.waited,
        ]
        .contains(&0)
    }

    /// Each thing that must not happen, and fails a run of any soak.
    #[cfg(test)]
    pub(super) const VIOLATIONS: [fn(&mut Self); 9] = [
        |it| it.limits.over = 1,
        |it| it.limits.adrift = 1,
        |it| it.cache.stale = 1,
        |it| it.cache.lost = 1,
        |it| it.jobs.twice = 1,
        |it| it.jobs.robbed = 1,
        |it| it.jobs.wrong = 1,
        |it| it.jobs.stuck = 1,
        |it| it.hung = 1,
    ];

    /// One of stores that did something, and nothing wrong.
    #[cfg(test)]
    pub(super) fn busy() -> Self {
        let mut tally = Self::default();
        tally.limits.admitted = 1;
        tally.cache.hits = 1;
        tally.cache.kept = 1;
        tally.jobs.settled = 1;
        tally.jobs.waited = 1;
        tally
    }
}
