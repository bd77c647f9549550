//! Plans for many resources, for few and for almost none.

use std::time::Duration;

use comicvine_client::{ApiKey, Budget, ComicVine, Id, RawJson};
use comicvine_fake::{FakeServer, Limits};

use super::*;

fn inventory(kind: ResourceKind, ids: u64, rows: u64) -> Inventory {
    Inventory {
        kind,
        ids: (1..=ids).collect(),
        rows,
    }
}

const fn get(kind: ResourceKind, id: u64) -> PlannedRequest {
    PlannedRequest::Get { kind, id }
}

#[test]
fn parts_overlap_and_cover_everything() {
    let plan = Plan((0..100).map(|id| get(ResourceKind::Issue, id)).collect());
    let (user, background) = (plan.for_user(), plan.for_background());
    assert_eq!((user.len(), background.len()), (210, 210));
    for request in &plan.0 {
        assert!(user.contains(request) || background.contains(request));
    }
    assert!(user.iter().any(|request| background.contains(request)));
}

#[test]
fn plan_has_as_many_different_requests_as_asked_for() {
    let held = vec![
        inventory(ResourceKind::Issue, 500, 500),
        inventory(ResourceKind::Volume, 50, 50),
        inventory(ResourceKind::Team, 0, 700),
    ];
    let plan = Plan::generate(held, 200);
    assert_eq!(plan.len(), 200);
    let mut targets: Vec<_> = plan.0.iter().map(PlannedRequest::target).collect();
    targets.sort_unstable();
    targets.dedup();
    assert_eq!(targets.len(), 200);
    let of = |path: &str| {
        targets
            .iter()
            .filter(|target| target.starts_with(path))
            .count()
    };
    assert!(of("issue/") >= 66 && of("volume/") >= 33 && of("teams?") >= 40);
}

#[test]
fn small_inventory_is_used_completely_and_without_pages_beyond_the_end() {
    let held = vec![
        inventory(ResourceKind::Issue, 2, 8),
        inventory(ResourceKind::Team, 0, 1),
    ];
    let plan = Plan::generate(held, 300);
    let mut targets: Vec<_> = plan.0.iter().map(PlannedRequest::target).collect();
    targets.sort_unstable();
    assert_eq!(
        targets,
        [
            "issue/4000-1",
            "issue/4000-2",
            "issues?limit=7&offset=0",
            "issues?limit=7&offset=7",
            "teams?limit=7&offset=0",
        ]
    );
}

#[test]
fn single_request_is_made_by_both_processes() {
    let plan = Plan::generate(vec![inventory(ResourceKind::Power, 1, 0)], 300);
    assert_eq!(
        (
            plan.len(),
            plan.for_user().len(),
            plan.for_background().len()
        ),
        (1, 3, 3)
    );
    assert!(Plan::generate(vec![inventory(ResourceKind::Power, 0, 0)], 300).is_empty());
}

#[test]
fn shuffling_loses_nothing() {
    let mut numbers: Vec<u32> = (0..50).collect();
    shuffle(&mut numbers, &SeededRandom::new(3));
    assert_ne!(numbers, (0..50).collect::<Vec<_>>());
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

#[test]
fn plan_file_names_the_kinds() {
    for kind in ResourceKind::ALL {
        let line = serde_json::to_string(&get(kind, 7)).unwrap();
        assert_eq!(line, format!(r#"{{"get":{{"kind":"{kind}","id":7}}}}"#));
        assert_eq!(
            serde_json::from_str::<PlannedRequest>(&line).unwrap(),
            get(kind, 7)
        );
    }
}

/// Otherwise the kill would explain no repeated request, or every one.
#[tokio::test]
async fn targets_are_written_as_the_server_counts_them() {
    let server = FakeServer::builder()
        .limits(Limits::unlimited())
        .start()
        .await
        .unwrap();
    let comics = ComicVine::builder(ApiKey::new("any").unwrap())
        .base_url(server.base_url())
        .budget(Budget::default().with_spacing(Duration::ZERO))
        .build()
        .unwrap();
    let mut expected = Vec::new();
    for (path, ids) in server.detail_ids() {
        let kind: ResourceKind = path.parse().unwrap();
        comics.get::<RawJson>(kind, Id::new(ids[0])).await.unwrap();
        comics
            .list::<RawJson>(kind)
            .offset(PAGE)
            .limit(PAGE)
            .await
            .unwrap();
        let list = PlannedRequest::List {
            kind,
            offset: PAGE,
            limit: PAGE,
        };
        expected.extend([get(kind, ids[0]).target(), list.target()]);
    }
    expected.sort_unstable();
    assert_eq!(expected.len(), 2 * ResourceKind::ALL.len());
    assert_eq!(
        server.counts().answered.into_keys().collect::<Vec<_>>(),
        expected
    );
}
