//! Whether a window was ever too full, and whether the file holds every admission that was reported.

use std::collections::HashMap;

use store_core::Limit;

use crate::load::events::LimitEvent as Event;

use super::resources::{LIMITED, RECORDED};

/// A row of the limiter's log: which resource of the load, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) resource: usize,
    pub(crate) at: i64,
}

impl Row {
    pub(crate) fn new(admission: &store_sqlite::Admission) -> Option<Self> {
        let name = admission.resource.as_str();
        let resource = LIMITED.iter().position(|limited| limited.name == name)?;
        Some(Self {
            resource,
            at: admission.at.as_millis(),
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Admissions, one per resource and permit.
    pub(crate) admitted: usize,
    pub(crate) given_back: usize,
    /// Admissions at which a window held too many.
    pub(crate) over: usize,
    /// Rows that are missing from the file, or too many in it.
    pub(crate) mismatched: usize,
    /// By how much a wait outlived its deadline at most.
    pub(crate) overrun_millis: i64,
    pub(crate) complaints: Vec<String>,
}

/// An admission: counted at `since` or later, and at `at` at the latest.
#[derive(Clone, Copy, Debug)]
struct Admitted {
    since: i64,
    at: i64,
}

impl Admitted {
    const fn exactly(at: i64) -> Self {
        Self { since: at, at }
    }
}

/// The reported usage, per resource.
#[derive(Debug, Default)]
struct Usage {
    admitted: Vec<Vec<Admitted>>,
    recorded: Vec<(i64, i64)>,
    given_back: usize,
    overrun_millis: i64,
}

impl Usage {
    fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut usage = Self {
            admitted: vec![Vec::new(); LIMITED.len()],
            ..Self::default()
        };
        for event in events {
            match event {
                Event::Admitted {
                    resources,
                    permits,
                    since,
                    at,
                } => {
                    let admitted = Admitted {
                        since: *since,
                        at: *at,
                    };
                    for resource in resources {
                        usage.admitted[*resource].extend(std::iter::repeat_n(admitted, *permits));
                    }
                }
                Event::Recorded { asked, answered } => usage.recorded.push((*asked, *answered)),
                Event::GivenBack => usage.given_back += 1,
                Event::Overran { millis } => {
                    usage.overrun_millis = usage.overrun_millis.max(*millis);
                }
            }
        }
        for admitted in &mut usage.admitted {
            admitted.sort_unstable_by_key(|it| it.at);
        }
        usage
    }

    /// Usage of a resource that was recorded without permission.
    fn recorded(&self, resource: usize) -> &[(i64, i64)] {
        if resource == RECORDED {
            &self.recorded
        } else {
            &[]
        }
    }

    fn check(&self) -> Counters {
        let mut counters = Counters {
            admitted: self.admitted.iter().map(Vec::len).sum(),
            given_back: self.given_back,
            overrun_millis: self.overrun_millis,
            ..Counters::default()
        };
        for (resource, limited) in LIMITED.iter().enumerate() {
            for limit in limited.limits {
                let over = over(&self.admitted[resource], self.recorded(resource), limit);
                counters.count_over(limited.name, "reported", &over);
            }
        }
        counters
    }
}

/// Checks what all workers reported. Records count against admissions if all clocks agree.
pub(crate) fn check_events<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    clocks_agree: bool,
) -> Counters {
    let mut usage = Usage::of(events);
    if !clocks_agree {
        usage.recorded.clear();
    }
    usage.check()
}

/// Checks what all workers reported and the whole log of the file. If workers were killed, the file may
/// hold more than was reported.
pub(crate) fn check<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    rows: &[Row],
    some_were_killed: bool,
) -> Counters {
    let usage = Usage::of(events);
    let mut counters = usage.check();
    for (resource, limited) in LIMITED.iter().enumerate() {
        let admitted: Vec<i64> = usage.admitted[resource].iter().map(|it| it.at).collect();
        let recorded = usage.recorded(resource);
        let mut stored: Vec<i64> = rows
            .iter()
            .filter(|row| row.resource == resource)
            .map(|row| row.at)
            .collect();
        stored.sort_unstable();
        // What was sent without asking may be too much, so the file alone says nothing there.
        if resource != RECORDED {
            for limit in limited.limits {
                let exactly: Vec<_> = stored.iter().copied().map(Admitted::exactly).collect();
                counters.count_over(limited.name, "stored", &over(&exactly, &[], limit));
            }
        }
        let (missing, surplus) = difference(&admitted, &stored);
        let unexplained = surplus.saturating_sub(recorded.len());
        let unrecorded = recorded.len().saturating_sub(surplus);
        counters.mismatched += missing + unrecorded;
        if missing + unrecorded > 0 {
            counters.complaints.push(format!(
                "{}: {missing} admission(s) and {unrecorded} record(s) were reported and are not \
                 in the file",
                limited.name
            ));
        }
        if unexplained > 0 && !some_were_killed {
            counters.mismatched += unexplained;
            counters.complaints.push(format!(
                "{}: {unexplained} row(s) in the file were given back or never reported",
                limited.name
            ));
        }
    }
    counters
}

impl Counters {
    fn count_over(&mut self, resource: &str, of: &str, over: &[(i64, usize)]) {
        self.over += over.len();
        if let Some((at, count)) = over.first() {
            self.complaints.push(format!(
                "{resource}: {count} admissions {of} in the window that ends at {at}, and {} more",
                over.len() - 1
            ));
        }
    }
}

/// The admissions at which the window held more than the limit, and how many it held. What counts is
/// what was surely made within the window, and of records, before the admission.
fn over(admitted: &[Admitted], recorded: &[(i64, i64)], limit: &Limit) -> Vec<(i64, usize)> {
    let span = i64::try_from(limit.span().as_millis()).unwrap_or(i64::MAX);
    let held = |at: i64| {
        let begin = at.saturating_sub(span);
        let until = admitted.partition_point(|other| other.at <= at);
        let before = admitted.partition_point(|other| other.at <= begin);
        let inside = admitted[before..until].iter();
        let surely = |(asked, answered): &&(i64, i64)| *asked > begin && *answered < at;
        inside.filter(|it| it.since > begin).count() + recorded.iter().filter(surely).count()
    };
    admitted
        .iter()
        .map(|it| (it.at, held(it.at)))
        .filter(|(_, held)| u64::try_from(*held).is_ok_and(|held| held > limit.count().into()))
        .collect()
}

/// How many of `reported` are not stored, and how many of `stored` were not reported.
fn difference(reported: &[i64], stored: &[i64]) -> (usize, usize) {
    let mut counts: HashMap<i64, i64> = HashMap::new();
    for at in stored {
        *counts.entry(*at).or_default() += 1;
    }
    for at in reported {
        *counts.entry(*at).or_default() -= 1;
    }
    let sum = |of: fn(i64) -> i64| counts.values().map(|it| of(*it).max(0)).sum::<i64>();
    let count = |sum: i64| usize::try_from(sum).unwrap_or(0);
    (count(sum(|it| -it)), count(sum(|it| it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUMES: usize = 1;

    fn admitted(resource: usize, at: i64) -> Event {
        Event::Admitted {
            resources: vec![resource],
            permits: 1,
            since: at,
            at,
        }
    }

    fn rows(resource: usize, moments: impl IntoIterator<Item = i64>) -> Vec<Row> {
        moments.into_iter().map(|at| Row { resource, at }).collect()
    }

    #[test]
    fn a_full_window_is_fine_and_one_more_is_not() {
        let full: Vec<_> = (0..20).map(|at| admitted(VOLUMES, at)).collect();
        assert_eq!(check(&full, &rows(VOLUMES, 0..20), false).over, 0);
        let mut over = full.clone();
        over.push(admitted(VOLUMES, 249));
        // Reported by the workers and found in the file.
        let stored = rows(VOLUMES, (0..20).chain([249]));
        assert_eq!(check(&over, &stored, false).over, 2);
        let mut next = full;
        next.push(admitted(VOLUMES, 250));
        let stored = rows(VOLUMES, (0..20).chain([250]));
        assert_eq!(check(&next, &stored, false).over, 0);
    }

    #[test]
    fn an_admission_counts_where_it_surely_was_made() {
        let mut usage: Vec<_> = (100..120).map(|at| admitted(VOLUMES, at)).collect();
        let spread = |since| Event::Admitted {
            resources: vec![VOLUMES],
            permits: 1,
            since,
            at: 340,
        };
        usage.push(spread(90));
        assert_eq!(check_events(&usage, true).over, 0);
        usage.push(spread(91));
        assert_eq!(check_events(&usage, true).over, 2);
    }

    #[test]
    fn what_a_dead_worker_did_not_report_counts_as_well() {
        let usage: Vec<_> = (0..20).map(|at| admitted(VOLUMES, at)).collect();
        let counters = check(&usage, &rows(VOLUMES, 0..21), true);
        assert_eq!((counters.over, counters.mismatched), (1, 0));
    }

    #[test]
    fn an_admission_that_ended_with_its_permit_or_its_process_is_a_mismatch() {
        let held = [admitted(VOLUMES, 5)];
        for was_killed in [false, true] {
            let counters = check(&held, &[], was_killed);
            assert_eq!(counters.mismatched, 1, "{was_killed}");
        }
    }

    #[test]
    fn an_admission_or_a_refund_that_the_file_lost_is_a_mismatch() {
        let usage = [admitted(VOLUMES, 5), admitted(VOLUMES, 5)];
        assert_eq!(check(&usage, &rows(VOLUMES, [5]), true).mismatched, 1);
        assert_eq!(
            check(&usage, &rows(VOLUMES, [5, 5, 6]), false).mismatched,
            1
        );
        assert_eq!(check(&usage, &rows(VOLUMES, [5, 5, 6]), true).mismatched, 0);
    }

    #[test]
    fn recorded_usage_counts_against_admissions() {
        let mut usage: Vec<_> = (0..9).map(|_| admitted(RECORDED, 150)).collect();
        usage.push(Event::Recorded {
            asked: 90,
            answered: 99,
        });
        let stored = |more: &[i64]| rows(RECORDED, more.iter().copied().chain([150; 9]));
        assert_eq!(check(&usage, &stored(&[95]), false).over, 0);
        usage.push(Event::Recorded {
            asked: 100,
            answered: 149,
        });
        let over = check(&usage, &stored(&[95, 120]), false);
        assert_eq!((over.over, over.mismatched), (9, 0));
        assert_eq!(check(&usage, &stored(&[95]), true).mismatched, 1);
        // Usage that was recorded without permission may exceed the limit.
        usage.clear();
        usage.resize(
            30,
            Event::Recorded {
                asked: 1,
                answered: 2,
            },
        );
        assert_eq!(check(&usage, &rows(RECORDED, [1; 30]), false).over, 0);
    }
}
