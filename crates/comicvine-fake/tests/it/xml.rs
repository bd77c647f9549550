//! `format=xml`.

use std::time::Duration;

use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use roxmltree::Document;

use crate::client::{Response, request, unlimited};

/// The response to a path below `/api/`, which has to be well-formed XML.
async fn get_xml(server: &FakeServer, path: &str) -> Response {
    let target = format!("/api/{path}&format=xml");
    let response = request(server, "GET", &target, "").await.unwrap();
    let content_type = response.header("content-type");
    assert_eq!(content_type, Some("text/xml; charset=utf-8"), "{path}");
    assert!(Document::parse(response.text()).is_ok(), "{path}");
    response
}

/// The text of the first element of this name.
fn text(response: &Response, name: &str) -> String {
    let document = Document::parse(response.text()).unwrap();
    let element = document.descendants().find(|node| node.has_tag_name(name));
    element
        .and_then(|node| node.text())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn list_has_rows_named_after_their_kind_whatever_fields_were_selected() {
    let server = unlimited().await;
    for (list, name) in [
        ("people", "person"),
        ("series_list", "series"),
        ("story_arcs", "story_arc"),
        ("video_categories", "video_category"),
        ("volumes", "volume"),
        ("types", "type"),
    ] {
        let path = format!("{list}/?api_key=k&limit=3&field_list=id");
        let response = get_xml(&server, &path).await;
        let document = Document::parse(response.text()).unwrap();
        let envelope: Vec<&str> = document
            .root_element()
            .children()
            .map(|node| node.tag_name().name())
            .collect();
        assert_eq!(
            envelope,
            [
                "error",
                "limit",
                "offset",
                "number_of_page_results",
                "number_of_total_results",
                "status_code",
                "results",
                "version"
            ]
        );
        let results = document
            .descendants()
            .find(|node| node.has_tag_name("results"))
            .unwrap();
        assert!(results.has_children(), "{list}");
        assert!(
            results.children().all(|row| row.has_tag_name(name)),
            "{list}"
        );
    }
}

#[tokio::test]
async fn search_results_are_named_after_their_own_kinds() {
    let server = unlimited().await;
    let path = "search/?api_key=k&query=fox&resources=character,team&limit=100";
    let response = get_xml(&server, path).await;
    let document = Document::parse(response.text()).unwrap();
    for name in ["character", "team"] {
        let hits = document.descendants().filter(|node| {
            node.has_tag_name(name)
                && node
                    .parent()
                    .is_some_and(|parent| parent.has_tag_name("results"))
        });
        assert!(hits.count() > 0, "{name}");
    }
}

#[tokio::test]
async fn detail_wraps_its_relations() {
    let server = unlimited().await;
    let response = get_xml(&server, "volume/4050-701/?api_key=k").await;
    let document = Document::parse(response.text()).unwrap();
    let issues = document
        .descendants()
        .find(|node| node.has_tag_name("issues"))
        .unwrap();
    assert!(issues.has_children());
    assert!(issues.children().all(|row| row.has_tag_name("issue")));
}

#[tokio::test]
async fn refusals_come_in_the_requested_format() {
    let server = FakeServer::builder()
        .accept_key("k")
        .limits(Limits::unlimited())
        .start()
        .await
        .unwrap();
    for (path, http, code) in [
        ("issues/?api_key=other", 401, "100"),
        ("issue/4000-4002/?api_key=k", 200, "101"),
        ("heroes/?api_key=k", 200, "102"),
        ("volumes/?api_key=k&filter=name", 200, "104"),
    ] {
        let response = get_xml(&server, path).await;
        assert_eq!(
            (response.status, text(&response, "status_code").as_str()),
            (http, code)
        );
        assert!(response.text().ends_with("<results/></response>"), "{path}");
    }
    server.set_limits(Limits::unlimited().with_spacing(Duration::from_hours(1)));
    get_xml(&server, "origins/?api_key=k").await;
    let refused = get_xml(&server, "origins/?api_key=k").await;
    assert_eq!(
        (refused.status, text(&refused, "status_code").as_str()),
        (420, "107")
    );
    assert_eq!(
        text(&refused, "error"),
        "Rate limit exceeded.  Slow down cowboy."
    );
}

#[tokio::test]
async fn faults_of_the_api_come_in_the_requested_format() {
    let server = unlimited().await;
    server.inject(Injection::new(Fault::RateLimitedBody));
    let blocked = get_xml(&server, "issues/?api_key=k").await;
    assert_eq!(
        (blocked.status, text(&blocked, "status_code").as_str()),
        (200, "107")
    );
    server.inject(Injection::new(Fault::EmptyPage));
    let page = get_xml(&server, "issues/?api_key=k").await;
    assert_eq!(text(&page, "number_of_page_results"), "0");
    assert!(page.text().contains("<results/>"));
}

#[tokio::test]
async fn jsonp_calls_back_with_an_error_too() {
    let server = unlimited().await;
    let target = "/api/issues/?format=jsonp&json_callback=show";
    let refused = request(&server, "GET", target, "").await.unwrap();
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .text()
            .starts_with(r#"show({"error":"Invalid API Key""#)
    );
}
