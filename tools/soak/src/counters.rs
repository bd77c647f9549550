//! The counters of all three stores, which every soak reports.

use crate::load::{cache, jobs, limits};

/// How often something is wrong, and its name.
pub(crate) type Fault = (usize, &'static str);

/// How many complaints of each kind are shown.
const MOST_SHOWN: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Workers that did not end.
    pub(crate) hung: usize,
    pub(crate) limits: limits::Counters,
    pub(crate) cache: cache::Counters,
    pub(crate) jobs: jobs::Counters,
}

impl Counters {
    /// Headings of what is shown of values and jobs alike in every soak.
    pub(crate) const HEADINGS: [&str; 11] = [
        "stale",
        "kept",
        "lost",
        "accepted",
        "fenced",
        "overlap",
        "preempted",
        "waited",
        "wrong",
        "longest",
        "stuck",
    ];

    /// The cells under the headings.
    pub(crate) fn cells(&self) -> [String; 11] {
        let Self { cache, jobs, .. } = self;
        [
            cache.stale.to_string(),
            cache.kept.to_string(),
            cache.lost.to_string(),
            jobs.accepted.to_string(),
            jobs.fenced.to_string(),
            jobs.overlapping.to_string(),
            jobs.preempted.to_string(),
            jobs.waited.to_string(),
            jobs.wrong.to_string(),
            format!("{} ms", jobs.longest_millis),
            jobs.stuck.to_string(),
        ]
    }

    /// The first thing that is wrong, with what a soak looks at besides: what is worse, and the rest.
    pub(crate) fn fault(&self, worse: &[Fault], rest: &[Fault]) -> Option<&'static str> {
        let load = [
            (self.limits.over, "OVER THE LIMIT"),
            (self.limits.mismatched, "LOST ADMISSIONS"),
            (self.cache.stale, "STALE VALUES"),
            (self.cache.lost, "LOST VALUES"),
            (self.jobs.overlapping, "TWO OWNERS"),
            (self.jobs.preempted, "PREEMPTED OWNERS"),
            (self.jobs.wrong, "WRONG OUTCOMES"),
            (self.jobs.stuck, "STUCK WAITERS"),
            (self.hung, "HUNG WORKERS"),
        ];
        let idle = [(usize::from(self.is_idle()), "NOTHING DONE")];
        let mut all = [worse, &load, rest, &idle].into_iter().flatten();
        all.find(|(count, _)| *count > 0).map(|(_, fault)| *fault)
    }

    /// The first of the violations, in words; before them those that a soak finds besides.
    pub(crate) fn complaints<'a>(&'a self, own: &'a [String]) -> impl Iterator<Item = &'a str> {
        let Self {
            limits,
            cache,
            jobs,
            ..
        } = self;
        [own, &limits.complaints, &cache.complaints, &jobs.complaints]
            .into_iter()
            .flat_map(|complaints| complaints.iter().take(MOST_SHOWN))
            .map(String::as_str)
    }

    /// Nothing wrong is no proof if nothing was done.
    fn is_idle(&self) -> bool {
        [
            self.limits.admitted,
            self.cache.hits,
            self.cache.kept,
            self.jobs.accepted,
            self.jobs.waited,
        ]
        .contains(&0)
    }

    /// Asserts that a run passes with counters of stores that did something, and fails with each thing
    /// that must not happen.
    #[cfg(test)]
    pub(crate) fn assert_each_violation_fails(passes: impl Fn(Self) -> bool) {
        const VIOLATIONS: [fn(&mut Counters); 9] = [
            |it| it.limits.over = 1,
            |it| it.limits.mismatched = 1,
            |it| it.cache.stale = 1,
            |it| it.cache.lost = 1,
            |it| it.jobs.overlapping = 1,
            |it| it.jobs.preempted = 1,
            |it| it.jobs.wrong = 1,
            |it| it.jobs.stuck = 1,
            |it| it.hung = 1,
        ];
        assert!(passes(Self::busy()));
        for (index, violate) in VIOLATIONS.iter().enumerate() {
            let mut counters = Self::busy();
            violate(&mut counters);
            assert!(!passes(counters), "violation {index} passes");
        }
    }

    /// Counters of stores that did something, and nothing wrong.
    #[cfg(test)]
    pub(crate) fn busy() -> Self {
        let mut counters = Self::default();
        counters.limits.admitted = 1;
        counters.cache.hits = 1;
        counters.cache.kept = 1;
        counters.jobs.accepted = 1;
        counters.jobs.waited = 1;
        counters
    }
}
