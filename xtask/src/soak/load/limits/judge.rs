//! Was a window ever too full, and does the file hold what was told?

use std::collections::HashMap;

use store_core::Limit;

use super::{Event, LIMITED, RECORDED};

/// A row of the limiter's log: which resource of the load, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::soak) struct Row {
    pub(in crate::soak) resource: usize,
    pub(in crate::soak) at: i64,
}

impl Row {
    pub(in crate::soak) fn new(admission: &store_sqlite::Admission) -> Option<Self> {
        let name = admission.resource.as_str();
        let resource = LIMITED.iter().position(|limited| limited.name == name)?;
        Some(Self {
            resource,
            at: admission.at.as_millis(),
        })
    }
}

#[derive(Debug, Default)]
pub(in crate::soak) struct Tally {
    /// Admissions, one per resource and permit.
    pub(in crate::soak) admitted: usize,
    pub(in crate::soak) given_back: usize,
    /// Admissions at which a window held too many.
    pub(in crate::soak) over: usize,
    /// Rows that are missing from the file, or too many in it.
    pub(in crate::soak) adrift: usize,
    /// By how much a wait outlived its deadline at most.
    pub(in crate::soak) overrun_millis: i64,
    pub(in crate::soak) complaints: Vec<String>,
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

/// Usage that was told, per resource.
#[derive(Debug, Default)]
struct Told {
    admitted: Vec<Vec<Admitted>>,
    recorded: Vec<(i64, i64)>,
    given_back: usize,
    overrun_millis: i64,
}

impl Told {
    fn by<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut told = Self {
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
                        told.admitted[*resource].extend(std::iter::repeat_n(admitted, *permits));
                    }
                }
                Event::Recorded { asked, answered } => told.recorded.push((*asked, *answered)),
                Event::GivenBack => told.given_back += 1,
                Event::Overran { millis } => {
                    told.overrun_millis = told.overrun_millis.max(*millis);
                }
            }
        }
        for admitted in &mut told.admitted {
            admitted.sort_unstable_by_key(|it| it.at);
        }
        told
    }

    /// Usage of a resource that nobody asked for.
    fn recorded(&self, resource: usize) -> &[(i64, i64)] {
        if resource == RECORDED {
            &self.recorded
        } else {
            &[]
        }
    }

    fn judge(&self) -> Tally {
        let mut tally = Tally {
            admitted: self.admitted.iter().map(Vec::len).sum(),
            given_back: self.given_back,
            overrun_millis: self.overrun_millis,
            ..Tally::default()
        };
        for (resource, limited) in LIMITED.iter().enumerate() {
            for limit in limited.limits {
                let over = over(&self.admitted[resource], self.recorded(resource), limit);
                tally.count_over(limited.name, "told", &over);
            }
        }
        tally
    }
}

/// Judges what all workers told. Records count against admissions if both are told by one clock.
pub(in crate::soak) fn judge_told<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    clocks_agree: bool,
) -> Tally {
    let mut told = Told::by(events);
    if !clocks_agree {
        told.recorded.clear();
    }
    told.judge()
}

/// Judges what all workers told and the whole log of the file. If workers were killed, the file may
/// hold more than was told.
pub(in crate::soak) fn judge<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    rows: &[Row],
    some_were_killed: bool,
) -> Tally {
    let told = Told::by(events);
    let mut tally = told.judge();
    for (resource, limited) in LIMITED.iter().enumerate() {
        let admitted: Vec<i64> = told.admitted[resource].iter().map(|it| it.at).collect();
        let recorded = told.recorded(resource);
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
                tally.count_over(limited.name, "stored", &over(&exactly, &[], limit));
            }
        }
        let (missing, surplus) = difference(&admitted, &stored);
        let unexplained = surplus.saturating_sub(recorded.len());
        let unrecorded = recorded.len().saturating_sub(surplus);
        tally.adrift += missing + unrecorded;
        if missing + unrecorded > 0 {
            tally.complaints.push(format!(
                "{}: {missing} admission(s) and {unrecorded} record(s) were told and are not in \
                 the file",
                limited.name
            ));
        }
        if unexplained > 0 && !some_were_killed {
            tally.adrift += unexplained;
            tally.complaints.push(format!(
                "{}: {unexplained} row(s) in the file were given back or never told",
                limited.name
            ));
        }
    }
    tally
}

impl Tally {
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
    let window = i64::try_from(limit.window.as_millis()).unwrap_or(i64::MAX);
    let held = |at: i64| {
        let begin = at.saturating_sub(window);
        let until = admitted.partition_point(|other| other.at <= at);
        let before = admitted.partition_point(|other| other.at <= begin);
        let inside = admitted[before..until].iter();
        let surely = |(asked, answered): &&(i64, i64)| *asked > begin && *answered < at;
        inside.filter(|it| it.since > begin).count() + recorded.iter().filter(surely).count()
    };
    admitted
        .iter()
        .map(|it| (it.at, held(it.at)))
        .filter(|(_, held)| u64::try_from(*held).is_ok_and(|held| held > limit.count.into()))
        .collect()
}

/// How many of `told` are not stored, and how many of `stored` were not told.
fn difference(told: &[i64], stored: &[i64]) -> (usize, usize) {
    let mut counts: HashMap<i64, i64> = HashMap::new();
    for at in stored {
        *counts.entry(*at).or_default() += 1;
    }
    for at in told {
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
        assert_eq!(judge(&full, &rows(VOLUMES, 0..20), false).over, 0);
        let mut over = full.clone();
        over.push(admitted(VOLUMES, 249));
        // Told by the workers and found in the file.
        let stored = rows(VOLUMES, (0..20).chain([249]));
        assert_eq!(judge(&over, &stored, false).over, 2);
        let mut next = full;
        next.push(admitted(VOLUMES, 250));
        let stored = rows(VOLUMES, (0..20).chain([250]));
        assert_eq!(judge(&next, &stored, false).over, 0);
    }

    #[test]
    fn an_admission_counts_where_it_surely_was_made() {
        let mut told: Vec<_> = (100..120).map(|at| admitted(VOLUMES, at)).collect();
        let spread = |since| Event::Admitted {
            resources: vec![VOLUMES],
            permits: 1,
            since,
            at: 340,
        };
        told.push(spread(90));
        assert_eq!(judge_told(&told, true).over, 0);
        told.push(spread(91));
        assert_eq!(judge_told(&told, true).over, 2);
    }

    #[test]
    fn what_a_dead_worker_did_not_tell_counts_as_well() {
        let told: Vec<_> = (0..20).map(|at| admitted(VOLUMES, at)).collect();
        let tally = judge(&told, &rows(VOLUMES, 0..21), true);
        assert_eq!((tally.over, tally.adrift), (1, 0));
    }

    #[test]
    fn an_admission_or_a_refund_that_the_file_lost_is_adrift() {
        let told = [admitted(VOLUMES, 5), admitted(VOLUMES, 5)];
        assert_eq!(judge(&told, &rows(VOLUMES, [5]), true).adrift, 1);
        assert_eq!(judge(&told, &rows(VOLUMES, [5, 5, 6]), false).adrift, 1);
        assert_eq!(judge(&told, &rows(VOLUMES, [5, 5, 6]), true).adrift, 0);
    }

    #[test]
    fn usage_that_was_recorded_leaves_less_for_those_who_ask() {
        let mut told: Vec<_> = (0..9).map(|_| admitted(RECORDED, 150)).collect();
        told.push(Event::Recorded {
            asked: 90,
            answered: 99,
        });
        let stored = |more: &[i64]| rows(RECORDED, more.iter().copied().chain([150; 9]));
        assert_eq!(judge(&told, &stored(&[95]), false).over, 0);
        told.push(Event::Recorded {
            asked: 100,
            answered: 149,
        });
        let over = judge(&told, &stored(&[95, 120]), false);
        assert_eq!((over.over, over.adrift), (9, 0));
        assert_eq!(judge(&told, &stored(&[95]), true).adrift, 1);
        // Beyond the limit without asking is nobody's fault.
        told.clear();
        told.resize(
            30,
            Event::Recorded {
                asked: 1,
                answered: 2,
            },
        );
        assert_eq!(judge(&told, &rows(RECORDED, [1; 30]), false).over, 0);
    }
}
