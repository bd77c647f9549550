//! Every promise can be seen to be broken.

use super::*;

fn tally(planned: usize, answered: usize, lost: &[&str]) -> Tally {
    Tally {
        planned,
        answered,
        lost: lost.iter().map(|&why| why.to_owned()).collect(),
        stats: Stats::default(),
    }
}

fn worst(paths: &[(&str, usize)], spacing: usize) -> Worst {
    Worst {
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
fn lost_request_is_told_with_its_reason() {
    let (user, background) = (tally(3, 2, &["request 1: no answer"]), tally(2, 2, &[]));
    let verdict = nothing_is_lost([("user", &user), ("background", &background)]);
    assert_eq!(
        verdict.to_string(),
        "every request was answered: NO\n  - user: request 1: no answer"
    );
}

#[test]
fn worker_that_ends_early_is_noticed() {
    let (user, background) = (tally(3, 3, &[]), tally(5, 1, &["request 0: refused"]));
    let verdict = nothing_is_lost([("user", &user), ("background", &background)]);
    assert_eq!(
        verdict.complaints,
        [
            "background: request 0: refused",
            "background: ended with 3 requests unanswered"
        ]
    );
}

#[test]
fn all_answered_is_all_well() {
    let (user, background) = (tally(3, 3, &[]), tally(5, 5, &[]));
    let verdict = nothing_is_lost([("user", &user), ("background", &background)]);
    assert_eq!(
        verdict.to_string(),
        "every request was answered: yes (8 of 8)"
    );
}

#[test]
fn window_over_its_limit_is_named() {
    let verdict = every_window_keeps_its_limit(&worst(&[("issue", 26), ("issues", 25)], 1));
    assert_eq!(
        verdict.complaints,
        ["issue: 26 admitted within one window, of 25"]
    );
}

#[test]
fn requests_closer_than_the_spacing_are_noticed() {
    let verdict = every_window_keeps_its_limit(&worst(&[("issue", 3)], 2));
    assert_eq!(
        verdict.complaints,
        ["2 admitted closer together than the spacing allows"]
    );
}

#[test]
fn full_window_is_within_its_limit() {
    let verdict = every_window_keeps_its_limit(&worst(&[("issue", 25), ("teams", 4)], 1));
    assert_eq!(
        verdict.to_string(),
        "every window kept its limit: yes (at most 25 of 25, on issue)"
    );
}

#[test]
fn repeated_fetch_without_a_kill_is_a_complaint() {
    let counts = counts(&[("issue/4000-1", 2), ("issue/4000-2", 1)]);
    let verdict = nothing_is_fetched_twice(&counts, None);
    assert_eq!(verdict.complaints, ["issue/4000-1 was fetched 2 times"]);
}

#[test]
fn kill_explains_only_what_it_left_unanswered_and_only_once() {
    let kill = kill(&["issue/4000-1", "issue/4000-3"]);
    let counts = counts(&[
        ("issue/4000-1", 2),
        ("issue/4000-2", 2),
        ("issue/4000-3", 3),
    ]);
    let verdict = nothing_is_fetched_twice(&counts, Some(&kill));
    assert_eq!(
        verdict.complaints,
        [
            "issue/4000-2 was fetched 2 times",
            "issue/4000-3 was fetched 3 times"
        ]
    );
}

#[test]
fn explained_repetition_is_told_and_forgiven() {
    let kill = kill(&["issue/4000-1"]);
    let verdict = nothing_is_fetched_twice(&counts(&[("issue/4000-1", 2)]), Some(&kill));
    assert_eq!(
        verdict.to_string(),
        "nothing was fetched twice while fresh: yes (but for 1 that the killed process had under way)"
    );
}

#[test]
fn kill_explains_no_more_repetitions_than_it_had_requests_under_way() {
    let targets: Vec<String> = (0..=TASKS).map(|id| format!("issue/4000-{id}")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    let answered: Vec<(&str, u64)> = targets.iter().map(|&target| (target, 2)).collect();
    let verdict = nothing_is_fetched_twice(&counts(&answered), Some(&kill(&targets)));
    assert_eq!(
        verdict.complaints,
        ["33 requests were fetched twice, but the killed process had only 32 under way"]
    );
    let verdict = nothing_is_fetched_twice(&counts(&answered[1..]), Some(&kill(&targets)));
    assert!(verdict.complaints.is_empty());
}

#[test]
fn demo_without_a_kill_shows_too_little() {
    assert_eq!(a_process_was_killed(None).complaints.len(), 1);
    assert!(a_process_was_killed(Some(&kill(&[]))).complaints.is_empty());
}

#[test]
fn many_complaints_are_counted_rather_than_told() {
    let counts = Counts::default();
    let mut verdict = nothing_is_fetched_twice(&counts, None);
    verdict.complaints = (0..13).map(|number| format!("no. {number}")).collect();
    let text = verdict.to_string();
    assert!(text.ends_with("- no. 9\n  - and 3 more"), "{text}");
}
