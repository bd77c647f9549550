//! Simyan 4.2.0 (Python), and comicbox 5.4.0, which is built on it.

use crate::client::unlimited;
use crate::clients::{ids, json, rows};

const HEADERS: &str = "user-agent: Simyan/4.2.0 (Linux: 6.18.44; Python v3.11.7)\r\n\
                       accept-encoding: gzip, deflate\r\naccept: application/json";

/// The 12 resources of Simyan: list, detail, prefix.
const RESOURCES: [(&str, &str, u16); 12] = [
    ("publishers", "publisher", 4010),
    ("volumes", "volume", 4050),
    ("issues", "issue", 4000),
    ("story_arcs", "story_arc", 4045),
    ("characters", "character", 4005),
    ("people", "person", 4040),
    ("teams", "team", 4060),
    ("locations", "location", 4020),
    ("concepts", "concept", 4015),
    ("powers", "power", 4035),
    ("origins", "origin", 4030),
    ("objects", "object", 4055),
];

const KEY: &str = "api_key=k&format=json";

#[tokio::test]
async fn each_resource_is_listed_read_filtered_and_sorted() {
    let server = unlimited().await;
    for (list, detail, prefix) in RESOURCES {
        let target = format!("/api/{list}/?{KEY}&offset=0&limit=100");
        let page = json(&server, &target, HEADERS).await;
        let id = ids(&page)[rows(&page).len() / 2];

        let target = format!("/api/{detail}/{prefix}-{id}/?{KEY}");
        assert_eq!(json(&server, &target, HEADERS).await["results"]["id"], id);

        let target = format!("/api/{list}/?{KEY}&filter=id%3A{id}&offset=0&limit=100");
        assert_eq!(ids(&json(&server, &target, HEADERS).await), [id]);

        let target = format!("/api/{list}/?{KEY}&sort=id%3Adesc&offset=0&limit=100");
        let sorted = ids(&json(&server, &target, HEADERS).await);
        assert!(sorted.is_sorted_by(|left, right| left > right), "{list}");
    }
}

#[tokio::test]
async fn start_years_are_numbers_where_simyan_reads_one() {
    let server = unlimited().await;
    for list in ["concepts", "locations", "objects", "volumes"] {
        let target = format!("/api/{list}/?{KEY}&offset=0&limit=100");
        for row in rows(&json(&server, &target, HEADERS).await) {
            let year = row["start_year"].as_str();
            assert!(year.is_none_or(|year| year.parse::<u16>().is_ok()), "{row}");
        }
    }
}

#[tokio::test]
async fn search_without_a_limit_has_pages_of_10() {
    let server = unlimited().await;
    let page = async |number: u32| {
        let target = format!("/api/search/?{KEY}&query=the+fox&resources=team&page={number}");
        json(&server, &target, HEADERS).await
    };
    let (first, second) = (page(1).await, page(2).await);
    assert_eq!((ids(&first).len(), &first["offset"]), (10, &0.into()));
    assert_eq!(&second["offset"], 10);
    assert!(ids(&second).iter().all(|id| !ids(&first).contains(id)));
    assert!(
        rows(&first)
            .iter()
            .all(|row| row["resource_type"] == "team")
    );
}

#[tokio::test]
async fn issues_of_a_volume_are_found_by_number_and_dates() {
    let server = unlimited().await;
    let target = "/api/issues/?filter=volume%3A701%2Cissue_number%3A2&api_key=k&format=json";
    let row = rows(&json(&server, target, HEADERS).await)[0].clone();
    let year: u32 = row["cover_date"].as_str().unwrap()[..4].parse().unwrap();
    let found = async |from: u32, to: u32| {
        let target = format!(
            "/api/issues/?{KEY}&filter=volume%3A701%2Cissue_number%3A2%2Ccover_date%3A{from}-01-01\
             %7C{to}-12-31&offset=0&limit=100"
        );
        ids(&json(&server, &target, HEADERS).await)
    };
    assert_eq!(
        found(year - 2, year + 2).await,
        [row["id"].as_u64().unwrap()]
    );
    assert!(found(year + 1, year + 4).await.is_empty());
}

#[tokio::test]
async fn comicbox_gets_the_volumes_of_a_name_and_looks_at_the_years() {
    let server = unlimited().await;
    let headers = "user-agent: comicbox/5.4.0 (cli)\r\naccept-encoding: gzip, deflate";
    let target = format!("/api/volume/4050-701/?{KEY}");
    let volume = json(&server, &target, headers).await["results"].clone();
    let name = volume["name"].as_str().unwrap().replace(' ', "+");
    let by_name = format!("/api/volumes/?{KEY}&filter=name%3A{name}");
    let target = format!("{by_name}%2Cstart_year%3A1975&offset=0&limit=100");
    let found = json(&server, &target, headers).await;
    assert!(ids(&found).contains(&701));
    assert_eq!(
        found["results"],
        json(&server, &by_name, headers).await["results"]
    );
}
