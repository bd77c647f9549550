//! Comic Vine Scraper (XML), Kapowarr and comicmeta.

use roxmltree::Document;

use crate::client::unlimited;
use crate::clients::{REQUESTS, answer, child, elements, ids, json};

#[tokio::test]
async fn comic_vine_scraper_searches_and_lists_in_xml() {
    let server = unlimited().await;
    let search = "/api/search/?api_key=k&client=cvscraper&format=xml&limit=100&resources=volume&\
                  field_list=name,start_year,publisher,id,image,count_of_issues&query=the%20fox";
    let (_, first) = answer(&server, search, REQUESTS).await;
    let (_, second) = answer(&server, &format!("{search}&page=2"), REQUESTS).await;
    let (first, second) = (
        Document::parse(&first).unwrap(),
        Document::parse(&second).unwrap(),
    );
    assert_eq!(elements(&first, "volume").len(), 100);
    assert!(!elements(&second, "volume").is_empty());

    // A list is asked for with a page and an offset.
    let list = "/api/issues/?api_key=k&client=cvscraper&format=xml&field_list=name,issue_number,id,image&\
                filter=volume:701";
    let (_, page) = answer(&server, &format!("{list}&page=2&offset=100"), REQUESTS).await;
    let page = Document::parse(&page).unwrap();
    assert_eq!(elements(&page, "offset")[0].text(), Some("100"));
}

#[tokio::test]
async fn comic_vine_scraper_reads_the_credits_of_an_issue() {
    let server = unlimited().await;
    let issue = json(
        &server,
        "/api/issue/4000-4001/?api_key=k&format=json",
        REQUESTS,
    )
    .await;
    let issue = &issue["results"];
    let target = "/api/issue/4000-4001/?api_key=k&client=cvscraper&format=xml";
    let (_, xml) = answer(&server, target, REQUESTS).await;
    let document = Document::parse(&xml).unwrap();
    assert_eq!(elements(&document, "status_code")[0].text(), Some("1"));
    for (field, item) in [
        ("person_credits", "person"),
        ("character_credits", "character"),
        ("story_arc_credits", "story_arc"),
        ("location_credits", "location"),
        ("team_credits", "team"),
    ] {
        let credits = elements(&document, field)[0];
        let shown: Vec<&str> = credits
            .children()
            .inspect(|credit| assert!(credit.has_tag_name(item), "{field}"))
            .map(|credit| child(credit, "name"))
            .collect();
        let names: Vec<&str> = issue[field]
            .as_array()
            .unwrap()
            .iter()
            .map(|credit| credit["name"].as_str().unwrap())
            .collect();
        assert_eq!(shown, names, "{field}");
    }
    let images = elements(&document, "associated_images")[0];
    let count = issue["associated_images"].as_array().unwrap().len();
    assert!(count > 0);
    assert_eq!(images.children().count(), count);
    assert!(
        images
            .children()
            .all(|node| node.has_tag_name("original_url"))
    );
}

#[tokio::test]
async fn kapowarr_asks_for_100_volumes_and_the_issues_of_50() {
    let server = unlimited().await;
    let list = |count: u32| {
        let ids: Vec<String> = (0..count)
            .map(|index| (701 + 3 * index).to_string())
            .collect();
        ids.join("%7C")
    };
    let target = format!(
        "/api/volumes/?api_key=k&format=json&filter=id:{}",
        list(100)
    );
    assert_eq!(ids(&json(&server, &target, REQUESTS).await).len(), 100);
    let target = format!(
        "/api/issues/?api_key=k&format=json&filter=volume:{}",
        list(50)
    );
    let issues = json(&server, &target, REQUESTS).await;
    assert!(issues["number_of_total_results"].as_u64() > Some(100));
    let target = "/api/publisher/4010-1/?api_key=k&format=json&field_list=id";
    let publisher = json(&server, target, REQUESTS).await;
    assert_eq!(publisher["results"], serde_json::json!({ "id": 1 }));
    let target = "/api/search/?api_key=k&format=json&query=fox&resources=volume&limit=50";
    assert_eq!(json(&server, target, REQUESTS).await["limit"], 50);
}

#[tokio::test]
async fn comicmeta_tests_its_key_with_a_search_and_sorts_by_number() {
    let server = unlimited().await;
    let target = "/api/search/?api_key=k&format=json&query=fox&field_list=id&limit=1";
    assert_eq!(ids(&json(&server, target, REQUESTS).await).len(), 1);
    let target = "/api/issues/?api_key=k&format=json&filter=volume:701&field_list=id,issue_number&\
                  limit=100&offset=0&sort=issue_number:asc";
    let page = json(&server, target, REQUESTS).await;
    let numbers: Vec<f64> = page["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["issue_number"].as_str()?.parse().ok())
        .collect();
    assert!(numbers.is_sorted() && numbers.len() > 1);
}

#[tokio::test]
async fn conditional_request_gets_the_whole_answer() {
    let server = unlimited().await;
    let headers = "if-none-match: *\r\nif-modified-since: Sun, 01 Jan 2040 00:00:00 GMT";
    let (status, body) = answer(&server, "/api/origins/?api_key=k", headers).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""status_code":1"#));
}
