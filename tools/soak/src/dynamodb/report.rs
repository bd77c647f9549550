//! The result of a run, and whether it passes.

use std::collections::BTreeMap;
use std::time::Duration;

use store_core::ErrorKind;

use crate::counters::Counters;
use crate::load::events::{Call, GAVE_UP};
use crate::table::{Column, Table};

/// The result of one run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    pub(crate) faulted: u64,
    pub(crate) load: Counters,
    pub(crate) calls: Calls,
    pub(crate) circuits: Circuits,
    /// Whether steps may fail.
    pub(crate) may_fail: bool,
    pub(crate) is_storm: bool,
}

/// Steps that failed or took long.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    failed: usize,
    /// Those of them that gave up, because others were faster again and again or their time was over.
    gave_up: usize,
    late: usize,
    longest_millis: u64,
    complaints: Vec<String>,
}

/// The state changes of the circuit breakers, counted.
#[derive(Debug, Default)]
pub(crate) struct Circuits {
    processes: usize,
    opened: usize,
    /// Those that were open at the end.
    stayed_open: usize,
}

impl Calls {
    /// Checks steps by how long each may take.
    pub(crate) fn of(calls: &[Call], allowed: impl Fn(&Call) -> Duration) -> Self {
        let mut failures: BTreeMap<&str, usize> = BTreeMap::new();
        for failure in calls.iter().filter_map(|call| call.failure.as_deref()) {
            *failures.entry(failure).or_default() += 1;
        }
        let busy = ErrorKind::Busy.to_string();
        let gave_up = [busy.as_str(), GAVE_UP];
        let late = |call: &&Call| u128::from(call.millis) > allowed(call).as_millis();
        let mut complaints: Vec<String> = failures
            .iter()
            .map(|(failure, count)| format!("{count} step(s) failed: {failure}"))
            .collect();
        let too_late = calls.iter().filter(late);
        complaints.extend(too_late.clone().map(|call| format!("late: {call:?}")));
        Self {
            failed: failures.values().sum(),
            gave_up: gave_up.iter().filter_map(|it| failures.get(it)).sum(),
            late: too_late.count(),
            longest_millis: calls.iter().map(|call| call.millis).max().unwrap_or(0),
            complaints,
        }
    }
}

impl Circuits {
    /// From the changes of each process: whether the circuit was closed after each.
    pub(crate) fn of(changes: &[Vec<bool>]) -> Self {
        let count = |is: fn(&&Vec<bool>) -> bool| changes.iter().filter(is).count();
        Self {
            processes: changes.len(),
            opened: count(|it| it.contains(&false)),
            stayed_open: count(|it| it.last() == Some(&false)),
        }
    }
}

impl Report {
    /// The first thing that is wrong.
    fn fault(&self) -> Option<&'static str> {
        let excess = |count: usize, is_wrong: bool| if is_wrong { count } else { 0 };
        let never_opened = self.circuits.processes - self.circuits.opened;
        let rest = [
            (self.calls.late, "LATE ANSWERS"),
            (
                excess(self.calls.failed - self.calls.gave_up, !self.may_fail),
                "ERRORS",
            ),
            (excess(never_opened, self.is_storm), "NO OPEN CIRCUIT"),
            (
                excess(self.circuits.stayed_open, self.is_storm),
                "CIRCUIT STAYED OPEN",
            ),
        ];
        self.load.fault(&[], &rest)
    }

    pub(crate) fn passes(&self) -> bool {
        self.fault().is_none()
    }

    /// The first of the violations, in words.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = &str> {
        self.load.complaints(&self.calls.complaints)
    }
}

/// One row per run.
pub(crate) fn table(reports: &[(String, Report)]) -> String {
    let first = ["requests", "faulted", "admitted", "over", "hits"];
    let last = ["errors", "slowest", "overrun", "late", "circuits"];
    let mut columns = vec![Column::Left("run")];
    columns.extend(first.map(Column::Right));
    columns.extend(Counters::HEADINGS.map(Column::Right));
    columns.extend(last.map(Column::Right));
    columns.push(Column::Left("outcome"));
    let mut table = Table::new(&columns);
    for (name, report) in reports {
        let Report {
            load,
            calls,
            circuits,
            ..
        } = report;
        let mut cells = vec![
            name.clone(),
            report.requests.to_string(),
            report.faulted.to_string(),
            load.limits.admitted.to_string(),
            load.limits.over.to_string(),
            load.cache.hits.to_string(),
        ];
        cells.extend(load.cells());
        cells.extend([
            calls.failed.to_string(),
            format!("{} ms", calls.longest_millis),
            format!("{} ms", load.limits.overrun_millis),
            calls.late.to_string(),
            format!("{}/{}", circuits.opened, circuits.processes),
            report.fault().unwrap_or("passed").to_owned(),
        ]);
        table.add(cells);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use crate::load::events::Role;

    use super::*;

    fn report(load: Counters) -> Report {
        Report {
            load,
            ..Report::default()
        }
    }

    fn busy() -> Report {
        report(Counters::busy())
    }

    #[test]
    fn every_kind_of_violation_fails_a_run() {
        Counters::assert_each_violation_fails(|load| report(load).passes());
        let own: [fn(&mut Report); 2] = [|it| it.calls.late = 1, |it| it.calls.failed = 1];
        for plant in own {
            let mut report = busy();
            plant(&mut report);
            assert!(!report.passes(), "{report:?}");
        }
        assert_eq!(Report::default().fault(), Some("NOTHING DONE"));
    }

    #[test]
    fn circuits_must_open_in_the_storm_and_close_after_it() {
        let checked = |changes: &[&[bool]]| {
            let changes: Vec<_> = changes.iter().map(|it| it.to_vec()).collect();
            let report = Report {
                circuits: Circuits::of(&changes),
                is_storm: true,
                may_fail: true,
                ..busy()
            };
            report.fault()
        };
        assert_eq!(checked(&[&[false, true], &[false, true]]), None);
        assert_eq!(checked(&[&[false, true], &[]]), Some("NO OPEN CIRCUIT"));
        let open = checked(&[&[false, true], &[false, true, false]]);
        assert_eq!(open, Some("CIRCUIT STAYED OPEN"));
    }

    #[test]
    fn failures_are_counted_and_answers_that_come_late_named() {
        let call = |millis, failure: Option<&str>| Call {
            role: Role::Cache,
            millis,
            failure: failure.map(str::to_owned),
        };
        let calls = [call(900, Some("throttled")), call(1_100, None)];
        let calls = Calls::of(&calls, |_| Duration::from_secs(1));
        assert_eq!(
            (calls.failed, calls.late, calls.longest_millis),
            (1, 1, 1_100)
        );
        assert_eq!(calls.complaints[0], "1 step(s) failed: throttled");
        let gave_up = [call(1, Some(GAVE_UP)), call(1, Some("busy"))];
        let calls = Calls::of(&gave_up, |_| Duration::from_secs(1));
        assert_eq!((calls.failed, calls.gave_up), (2, 2));
    }
}
