//! Images, of servers that are asked to have them.

use comicvine_fake::{FakeServer, Fault, Injection, Limits};

use crate::client::{get, request, unlimited};

#[tokio::test]
async fn urls_of_images_lead_to_the_server_which_has_the_images() {
    let server = FakeServer::builder().limits(Limits::unlimited());
    let server = server.serve_images().start().await.unwrap();
    let here = format!("http://{}", server.address());
    let volume = get(&server, "volume/4050-701/").await.json();
    let url = volume["results"]["image"]["medium_url"].as_str().unwrap();
    let path = url.strip_prefix(&here).unwrap();
    let image = request(&server, "GET", path, "").await.unwrap();
    assert_eq!(image.status, 200);
    assert_eq!(image.header("content-type"), Some("image/png"));
    assert!(image.body.starts_with(b"\x89PNG") && image.is_complete());
    // Other addresses in the response are those of the site.
    let page = volume["results"]["site_detail_url"].as_str().unwrap();
    assert!(
        page.starts_with("https://comicvine.gamespot.com/"),
        "{page}"
    );
    let xml = "/api/volume/4050-701/?api_key=k&format=xml";
    let xml = request(&server, "GET", xml, "").await.unwrap();
    assert!(xml.text().contains(url) && xml.is_complete());
    server.inject(Injection::new(Fault::Forbidden).on_path("images"));
    assert_eq!(request(&server, "GET", path, "").await.unwrap().status, 403);
    assert_eq!(server.counts().answered[path], 1);
}

#[tokio::test]
async fn other_servers_leave_images_to_the_site() {
    let server = unlimited().await;
    let volume = get(&server, "volume/4050-701/").await.json();
    let url = volume["results"]["image"]["medium_url"].as_str().unwrap();
    let path = url.strip_prefix("https://comicvine.gamespot.com").unwrap();
    let image = request(&server, "GET", path, "").await.unwrap();
    assert_eq!(image.status, 404);
}
