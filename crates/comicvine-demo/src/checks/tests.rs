//! Every check detects the violation of its property.

use super::*;

fn summary(planned: usize, answered: usize, failed: &[&str]) -> WorkerSummary {
    WorkerSummary {
        planned,
        answered,
        failed: failed.iter().map(|&why| why.to_owned()).collect(),
        stats: Stats::default(),
    }
}

fn windows(paths: &[(&str, usize)], spacing: usize) -> FullestWindows {
    FullestWindows {
        paths: paths
            .iter()
            .map(|&(path, count)| (path.to_owned(), count))
            .collect(),
        spacing,
        limit: 25,
    }
}

fn counts(answered: &[(&str, u64)]) -> Counts {
    let mut counts = Counts::default();
    let answered = answered
        .iter()
        .map(|&(target, times)| (target.to_owned(), times));
    counts.answered.extend(answered);
    counts
}

fn kill(unanswered: &[&str]) -> Kill {
    let unanswered = unanswered.iter().map(|&target| target.to_owned()).collect();
    Kill::new(unanswered)
}

#[test]
fn failed_request_is_shown_with_its_reason() {
    let (user, background) = (summary(3, 2, &["request 1: no answer"]), summary(2, 2, &[]));
    let check = every_request_is_answered([("user", &user), ("background", &background)]);
    assert_eq!(
        check.to_string(),
        "every request was answered: NO\n  - user: request 1: no answer"
    );
}

#[test]
fn worker_that_ends_early_is_noticed() {
    let (user, background) = (summary(3, 3, &[]), summary(5, 1, &["request 0: refused"]));
    let check = every_request_is_answered([("user", &user), ("background", &background)]);
    assert_eq!(
        check.violations,
        [
            "background: request 0: refused",
            "background: ended with 3 requests unanswered"
        ]
    );
}

#[test]
fn property_holds_if_all_are_answered() {
    let (user, background) = (summary(3, 3, &[]), summary(5, 5, &[]));
    let check = every_request_is_answered([("user", &user), ("background", &background)]);
    assert_eq!(
        check.to_string(),
        "every request was answered: yes (8 of 8)"
    );
}

#[test]
fn window_over_its_limit_is_named() {
    let check = every_window_keeps_its_limit(&windows(&[("issue", 26), ("issues", 25)], 1));
    assert_eq!(
        check.violations,
        ["issue: 26 admitted within one window, of 25"]
    );
}

#[test]
fn requests_closer_than_the_spacing_are_noticed() {
    let check = every_window_keeps_its_limit(&windows(&[("issue", 3)], 2));
    assert_eq!(
        check.violations,
        ["2 admitted closer together than the spacing allows"]
    );
}

#[test]
fn full_window_is_within_its_limit() {
    let check = every_window_keeps_its_limit(&windows(&[("issue", 25), ("teams", 4)], 1));
    assert_eq!(
        check.to_string(),
        "every window kept its limit: yes (at most 25 of 25, on issue)"
    );
}

#[test]
fn repeated_fetch_without_a_kill_is_a_violation() {
    let counts = counts(&[("issue/4000-1", 2), ("issue/4000-2", 1)]);
    let check = nothing_is_fetched_twice(&counts, None);
    assert_eq!(check.violations, ["issue/4000-1 was fetched 2 times"]);
}

#[test]
fn kill_explains_only_what_it_left_unanswered_and_only_once() {
    let kill = kill(&["issue/4000-1", "issue/4000-3"]);
    let counts = counts(&[
        ("issue/4000-1", 2),
        ("issue/4000-2", 2),
        ("issue/4000-3", 3),
    ]);
    let check = nothing_is_fetched_twice(&counts, Some(&kill));
    assert_eq!(
        check.violations,
        [
            "issue/4000-2 was fetched 2 times",
            "issue/4000-3 was fetched 3 times"
        ]
    );
}

#[test]
fn explained_repetition_is_shown_and_accepted() {
    let kill = kill(&["issue/4000-1"]);
    let check = nothing_is_fetched_twice(&counts(&[("issue/4000-1", 2)]), Some(&kill));
    assert_eq!(
        check.to_string(),
        "nothing was fetched twice while fresh: yes (except 1 that the killed process had in flight)"
    );
}

#[test]
fn kill_explains_no_more_repetitions_than_it_had_requests_in_flight() {
    let targets: Vec<String> = (0..=TASKS).map(|id| format!("issue/4000-{id}")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let answered: Vec<(&str, u64)> = targets.iter().map(|&target| (target, 2)).collect();
    let check = nothing_is_fetched_twice(&counts(&answered), Some(&kill(&targets)));
    assert_eq!(
        check.violations,
        ["33 requests were fetched twice, but the killed process had only 32 in flight"]
    );
    let check = nothing_is_fetched_twice(&counts(&answered[1..]), Some(&kill(&targets)));
    assert!(check.violations.is_empty());
}

#[test]
fn run_without_a_kill_is_a_violation() {
    assert_eq!(a_process_was_killed(None).violations.len(), 1);
    assert!(a_process_was_killed(Some(&kill(&[]))).violations.is_empty());
}

#[test]
fn many_violations_are_counted_rather_than_listed() {
    let counts = Counts::default();
    let mut check = nothing_is_fetched_twice(&counts, None);
    check.violations = (0..13).map(|number| format!("no. {number}")).collect();
    let text = check.to_string();
    assert!(text.ends_with("- no. 9\n  - and 3 more"), "{text}");
}
