//! The options of requests: the user agent, and limits of one's own.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{Home, fake, run};

#[tokio::test]
async fn limit_and_spacing_are_those_of_the_options() {
    let (home, fake) = (Home::new(), fake().await);
    let limits = ["--limit-per-hour", "2/30m", "--spacing", "1ms"];
    let mut list = vec!["list", "powers", "--limit", "3", "--page-size", "1"];
    list.extend(limits);
    let ran = home.run(&fake, &list).await;
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("powers has to wait"), "{}", ran.stderr);
    assert_eq!(fake.counts().path("powers").requests(), 2);
    let mut budget = vec!["budget", "--output", "json"];
    budget.extend(limits);
    let json = home.run(&fake, &budget).await;
    let json: Value = serde_json::from_str(json.printed()).unwrap();
    let path = &json["paths"][0];
    assert_eq!(
        (path["limit"].as_u64(), path["window_seconds"].as_f64()),
        (Some(2), Some(1_800.0))
    );
    assert_eq!(json["origin"]["window_seconds"].as_f64(), Some(0.001));
}

#[tokio::test]
async fn limits_above_those_of_the_api_are_refused_for_the_api() {
    let home = Home::new();
    for (limits, said) in [
        (["--limit-per-hour", "201"], "allows 200 in any hour"),
        (["--limit-per-hour", "200/20s"], "allows 200 in any hour"),
        (["--limit-per-hour", "50/30m"], "allows 200 in any hour"),
        (["--spacing", "900ms"], "at least a second"),
    ] {
        let budget = ["budget", limits[0], limits[1]];
        let refused = run(&mut home.program(budget)).await;
        refused.assert_failed(2, &[limits[0], said, "--base-url"]);
        let named = ["--base-url", "https://comicvine.gamespot.com/api"];
        let refused = run(home.program(budget).args(named)).await;
        refused.assert_failed(2, &[said]);
        home.run_alone(&budget).await.printed();
    }
    let fewer = ["budget", "--limit-per-hour", "100/h", "--spacing", "2s"];
    run(&mut home.program(fewer)).await.printed();
}

#[tokio::test]
async fn user_agent_is_the_one_of_the_option() {
    let home = Home::new();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/", server.local_addr().unwrap());
    for (arguments, sent) in [
        (vec!["--user-agent", "my-scripts/1.0"], "my-scripts/1.0"),
        (vec![], concat!("comicvine-cli/", env!("CARGO_PKG_VERSION"))),
    ] {
        let get = [
            "get",
            "power",
            "1",
            "--store",
            "memory://",
            "--base-url",
            &url,
        ];
        let mut program = home.program(get);
        program.args(arguments);
        let head = async {
            let (mut connection, _) = server.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.unwrap());
            }
            let body = r#"{"error":"Object Not Found","status_code":101,"results":[]}"#;
            let gone = format!(
                "HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            connection.write_all(gone.as_bytes()).await.unwrap();
            String::from_utf8(head).unwrap().to_lowercase()
        };
        let (ran, head) = tokio::join!(run(&mut program), head);
        assert_eq!(ran.status, 1);
        let line = format!("user-agent: {sent}\r\n");
        assert!(head.contains(&line), "{head}");
    }
}
