//! `get --image` and `--open`: the cover in a terminal or in the browser.

use std::os::unix::fs::PermissionsExt;

use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use store_conformance::child_process::RunResult;

use crate::{Home, run, some_issue};

async fn fake() -> FakeServer {
    let fake = FakeServer::builder().limits(Limits::unlimited());
    fake.serve_images().start().await.unwrap()
}

/// Runs `get` of an issue with these options, without the spacing of a real server.
async fn get(home: &Home, fake: &FakeServer, options: &[&str]) -> RunResult {
    let issue = some_issue(fake);
    let mut arguments = vec!["get", &issue, "--spacing", "0s"];
    arguments.extend(options);
    home.run(fake, &arguments).await
}

fn fetched_images(fake: &FakeServer) -> u64 {
    let answered = fake.counts().answered;
    let images = answered
        .iter()
        .filter(|(path, _)| path.starts_with("/a/uploads/"));
    images.map(|(_, times)| times).sum()
}

#[tokio::test]
async fn cover_is_shown_below_the_table_and_fetched_once() {
    let (home, fake) = (Home::new(), fake().await);
    for (protocol, start) in [
        ("--image=kitty", "\x1b_Ga=T,f=100"),
        ("--image=iterm2", "\x1b]1337;File=inline=1"),
        ("--image=sixel", "\x1bP"),
    ] {
        let ran = get(&home, &fake, &[protocol]).await;
        let printed = ran.printed();
        let (table, image) = printed.split_once('\x1b').unwrap();
        assert!(table.contains("cover date"), "{table}");
        assert!(format!("\x1b{image}").starts_with(start), "{printed}");
    }
    assert_eq!(fetched_images(&fake), 1);
    // What was shown can be shown again without the network.
    let offline = get(&home, &fake, &["--image=kitty", "--offline"]).await;
    assert!(offline.printed().contains("\x1b_G"), "{offline:?}");
    let listed = home.run(&fake, &["cache", "list"]).await;
    assert!(listed.printed().contains("/a/uploads/"), "{listed:?}");
}

#[tokio::test]
async fn where_no_image_can_be_shown_no_request_is_spent() {
    let (home, fake) = (Home::new(), fake().await);
    for options in [
        &["--image"] as &[_],
        &["--image=jpeg"],
        &["--image=kitty", "--output", "json"],
    ] {
        let ran = get(&home, &fake, options).await;
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains("--image"), "{ran:?}");
    }
    assert_eq!(fake.counts().answered.len(), 0);
}

#[tokio::test]
async fn image_that_cannot_be_had_costs_neither_the_table_nor_the_next_request() {
    let (home, fake) = (Home::new(), fake().await);
    fake.inject(Injection::new(Fault::Forbidden).on_path("images"));
    let ran = get(&home, &fake, &["--image=kitty", "--max-wait", "0s"]).await;
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("cover date"), "{ran:?}");
    assert!(ran.stderr.contains("refuses this client"), "{ran:?}");
    // The image's server is left alone, the API is not.
    let again = get(
        &home,
        &fake,
        &["--image=kitty", "--max-wait", "0s", "--refresh"],
    )
    .await;
    assert_eq!(again.status, 1);
    assert!(again.stdout.contains("cover date"), "{again:?}");
    assert_eq!(fetched_images(&fake), 0);
    home.run(&fake, &["budget", "--lift"]).await.printed();
    let lifted = get(&home, &fake, &["--image=kitty"]).await;
    assert!(lifted.printed().contains("\x1b_G"), "{lifted:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn browser_is_given_the_address_of_the_original() {
    let (home, fake) = (Home::new(), fake().await);
    let issue = some_issue(&fake);
    let programs = home.path("bin");
    std::fs::create_dir(&programs).unwrap();
    let browser = programs.join("xdg-open");
    let opened = home.path("opened");
    let script = format!(
        "#!/bin/sh\nprintf %s \"$1\" > {0}.new && mv {0}.new {0}\n",
        opened.display()
    );
    std::fs::write(&browser, script).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut program = home.against(&fake, &["get", &issue, "--open"]);
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let ran = run(program.env("PATH", path)).await;
    assert!(ran.stderr.contains("opening http://"), "{ran:?}");
    while !opened.exists() {
        tokio::task::yield_now().await;
    }
    let url = std::fs::read_to_string(&opened).unwrap();
    assert!(url.contains("/a/uploads/original/"), "{url}");
    // The browser fetches it.
    assert_eq!(fetched_images(&fake), 0);
}
