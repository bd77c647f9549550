//! Mylar3 (Python), which reads XML by position.

use comicvine_fake::FakeServer;
use roxmltree::Document;

use crate::client::unlimited;
use crate::clients::{answer, child, elements, ids, json, rows};

const HEADERS: &str = "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like \
                       Gecko) Chrome/124.0 Safari/537.36\r\naccept-encoding: gzip, deflate\r\n\
                       accept: */*";

async fn xml(server: &FakeServer, target: &str) -> String {
    answer(server, target, HEADERS).await.1
}

#[tokio::test]
async fn volume_is_read_by_position() {
    let server = unlimited().await;
    let volume = json(
        &server,
        "/api/volume/4050-701/?api_key=k&format=json",
        HEADERS,
    )
    .await;
    let volume = &volume["results"];
    let target = "/api/volume/4050-701/?api_key=k&format=xml&field_list=name,count_of_issues,issues,\
                  start_year,site_detail_url,image,publisher,description,first_issue,deck,aliases";
    let xml = xml(&server, target).await;
    let document = Document::parse(&xml).unwrap();
    let text =
        |name: &str, index: usize| elements(&document, name)[index].text().unwrap_or_default();

    // The first id is that of the first issue, and the first URL after those of the issues the volume's.
    assert_eq!(text("id", 0), volume["first_issue"]["id"].to_string());
    let issues = elements(&document, "issue").len();
    assert_eq!(issues, volume["issues"].as_array().unwrap().len());
    assert_eq!(text("site_detail_url", issues), volume["site_detail_url"]);
    assert_eq!(text("count_of_issues", 0), issues.to_string());
    assert_eq!(text("super_url", 0), volume["image"]["super_url"]);
    assert_eq!(text("start_year", 0), volume["start_year"]);
    let name = elements(&document, "name").into_iter().find(|name| {
        let parent = name.parent().unwrap();
        parent.has_tag_name("results")
    });
    assert_eq!(name.unwrap().text().unwrap(), volume["name"]);
}

#[tokio::test]
async fn issues_of_a_volume_and_of_a_list_are_read_row_by_row() {
    let server = unlimited().await;
    for filter in ["volume:701", "id:4001%7C4004%7C4007"] {
        let target = format!("/api/issues/?api_key=k&format=json&filter={filter}");
        let page = json(&server, &target, HEADERS).await;
        let target = format!(
            "/api/issues/?api_key=k&format=xml&filter={filter}&field_list=cover_date,id,issue_number,\
             name,date_last_updated,store_date,volume&offset=0"
        );
        let xml = xml(&server, &target).await;
        let document = Document::parse(&xml).unwrap();
        let total = elements(&document, "number_of_total_results")[0].text();
        assert_eq!(total.unwrap(), page["number_of_total_results"].to_string());
        let issues = elements(&document, "issue");
        assert_eq!(issues.len(), rows(&page).len());
        for (issue, row) in issues.into_iter().zip(rows(&page)) {
            assert_eq!(child(issue, "id"), row["id"].to_string());
            assert_eq!(child(issue, "issue_number"), row["issue_number"]);
            assert_eq!(child(issue, "date_last_updated"), row["date_last_updated"]);
            assert_eq!(
                child(issue, "name"),
                row["name"].as_str().unwrap_or_default()
            );
            let volume = issue.children().find(|node| node.has_tag_name("volume"));
            assert_eq!(
                child(volume.unwrap(), "id"),
                row["volume"]["id"].to_string()
            );
        }
    }
}

#[tokio::test]
async fn image_is_read_from_a_volume_without_anything_else() {
    let server = unlimited().await;
    let target = "/api/volume/4050-701/?api_key=k&format=xml&field_list=image";
    let xml = xml(&server, target).await;
    let document = Document::parse(&xml).unwrap();
    for name in ["super_url", "small_url"] {
        let url = elements(&document, name)[0].text().unwrap();
        assert!(
            url.starts_with("https://comicvine.gamespot.com/a/uploads/"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn name_that_is_given_twice_has_to_match_twice() {
    let server = unlimited().await;
    let target = "/api/volumes?api_key=k&filter=name:the,name:fox&field_list=id,name,start_year,\
                  site_detail_url,count_of_issues,image,publisher,deck,description,first_issue,\
                  last_issue&format=xml&sort=date_last_updated:desc&offset=0";
    let xml = xml(&server, target).await;
    let document = Document::parse(&xml).unwrap();
    let volumes = elements(&document, "volume");
    assert!(!volumes.is_empty());
    for volume in &volumes {
        let name = child(*volume, "name").to_lowercase();
        assert!(name.contains("the") && name.contains("fox"), "{name}");
        assert!(!child(*volume, "count_of_issues").is_empty());
    }
    // The field to sort by is not selected, so the order is that of the JSON.
    let target =
        "/api/volumes?api_key=k&filter=name:the,name:fox&sort=date_last_updated:desc&format=json";
    let page = json(&server, target, HEADERS).await;
    let order: Vec<String> = ids(&page).iter().map(u64::to_string).collect();
    let shown: Vec<&str> = volumes.iter().map(|volume| child(*volume, "id")).collect();
    assert_eq!(shown, order);
}

#[tokio::test]
async fn issues_of_a_story_arc_are_counted() {
    let server = unlimited().await;
    let target = "/api/story_arcs?api_key=k&filter=name:saga&field_list=id,name&format=xml&\
                  sort=date_last_updated:desc&offset=0";
    let arcs = xml(&server, target).await;
    let arcs = Document::parse(&arcs).unwrap();
    assert!(!elements(&arcs, "story_arc").is_empty());

    let arc = json(
        &server,
        "/api/story_arc/4045-40001/?api_key=k&format=json",
        HEADERS,
    )
    .await;
    let issues = arc["results"]["issues"].as_array().unwrap();
    let target = "/api/story_arc/4045-40001/?api_key=k&field_list=issues,publisher,name,\
                  first_appeared_in_issue,deck,image&format=xml&offset=0";
    let xml = xml(&server, target).await;
    let document = Document::parse(&xml).unwrap();
    // Each issue has one id, and the list of them is the reading order.
    let shown: Vec<String> = elements(&document, "issue")
        .into_iter()
        .map(|issue| child(issue, "id").to_owned())
        .collect();
    let order: Vec<String> = issues.iter().map(|issue| issue["id"].to_string()).collect();
    assert_eq!(shown, order);
    assert!(!order.is_empty());
}

#[tokio::test]
async fn changes_since_a_time_are_asked_for_in_json() {
    let server = unlimited().await;
    let target = "/api/issues/?api_key=k&format=json&filter=date_last_updated:2012-12-31%2016:00:00%7C\
                  2013-11-29%2022:10:18&field_list=date_last_updated,id,volume,issue_number&\
                  sort=date_last_updated:asc&offset=0";
    let page = json(&server, target, HEADERS).await;
    let times: Vec<&str> = rows(&page)
        .iter()
        .map(|row| row["date_last_updated"].as_str().unwrap())
        .collect();
    assert_eq!(times.len(), 100);
    assert!(times.is_sorted() && times[0] >= "2012-12-31 16:00:00");
}

#[tokio::test]
async fn single_issue_has_no_slash() {
    let server = unlimited().await;
    let issue = json(
        &server,
        "/api/issue/4000-4001?api_key=k&format=json",
        HEADERS,
    )
    .await;
    assert_eq!(issue["number_of_total_results"], 1);
    assert!(issue["results"]["person_credits"].is_array());
}
