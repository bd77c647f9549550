//! Credentials and connections as a process finds them in its environment: child processes with one of their own,
//! and servers on loopback.

mod credential_services;
mod server;

use std::fs;

use dynamodb_local::endpoint;
use store_conformance::child_process::{self, ChildProcess, send_to_parent};
use store_core::{CacheStore as _, ErrorChain, Key};
use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbTable, TableOptions};
use tempfile::TempDir;

use self::server::{ConnectProxy, Server};
use crate::support;

const TABLE: &str = "STORE_DYNAMODB_TEST_TABLE";
const URL: &str = "STORE_DYNAMODB_TEST_URL";
const SECRET: &str = "5ecr3tAcce55K3y";

/// What a child with this environment says of a read: `ok`, or the error with its causes.
fn read_with(url: &str, table: &str, environment: &[(&str, &str)]) -> String {
    run("network::child_reads", url, table, environment)
}

fn run(test: &str, url: &str, table: &str, environment: &[(&str, &str)]) -> String {
    let mut command = child_process::command(test);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let upper = name.to_uppercase();
        if upper.starts_with("AWS_") || upper.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    let home = tempfile::tempdir().expect("a folder");
    command
        .env("HOME", home.path())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(URL, url)
        .env(TABLE, table)
        .envs(environment.iter().copied());
    ChildProcess::spawn(command).receive()
}

fn options() -> TableOptions {
    let variable = |name| std::env::var(name).expect("started by a parent");
    TableOptions::default()
        .with_table(variable(TABLE))
        .with_endpoint_url(variable(URL))
}

#[ignore = "child process of the tests below"]
#[tokio::test]
async fn child_reads() {
    let table = DynamoDbTable::from_env(options()).await;
    let key = Key::new("k").expect("a key");
    let read = DynamoDbCacheStore::new(&table).get(&key).await;
    send_to_parent(read.map_or_else(|error| ErrorChain(&error).to_string(), |_| "ok".to_owned()));
}

#[ignore = "child process of a_set_up_waits_for_credentials_too"]
#[tokio::test]
async fn child_sets_up() {
    let table = DynamoDbTable::from_env(options()).await;
    let spec = TableSpec::of(table.options());
    let done = create_or_verify(table.client(), &spec, &SetupOptions::default()).await;
    send_to_parent(done.map_or_else(|error| ErrorChain(&error).to_string(), |_| "ok".to_owned()));
}

/// A folder with a configuration file whose default profile has these lines.
fn profile(lines: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    fs::write(&path, format!("[default]\n{lines}\n")).expect("written");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}

/// A profile whose program prints credentials after so many seconds.
fn slow_program(seconds: u32) -> (TempDir, String) {
    let printed = format!(
        r#"{{"Version":1,"AccessKeyId":"local","SecretAccessKey":"{SECRET}","SessionToken":"t"}}"#
    );
    let (folder, config) = profile("");
    let script = folder.path().join("credentials.sh");
    fs::write(&script, format!("sleep {seconds}\necho '{printed}'\n")).expect("written");
    let line = format!("[default]\ncredential_process = sh {}\n", script.display());
    fs::write(&config, line).expect("written");
    (folder, config)
}

#[tokio::test]
async fn credentials_that_take_longer_than_an_attempt_arrive() {
    let table = support::table().await;
    let url = endpoint().expect("a server");
    let (_folder, config) = slow_program(3);
    let environment = [("AWS_PROFILE", "default"), ("AWS_CONFIG_FILE", &config)];
    assert_eq!(read_with(&url, table.name(), &environment), "ok");
}

#[test]
fn a_set_up_waits_for_credentials_too() {
    let url = endpoint().expect("a server");
    let (_folder, config) = slow_program(6);
    let environment = [("AWS_PROFILE", "default"), ("AWS_CONFIG_FILE", &config)];
    let name = support::fresh_name();
    let said = run("network::child_sets_up", &url, &name, &environment);
    assert_eq!(said, "ok");
}

#[test]
fn a_program_that_prints_nonsense_is_named_and_nothing_that_it_printed() {
    for printed in [
        format!(r#"{{"Version":1,"SecretAccessKey":"{SECRET}"}}"#),
        format!(r#"{{"Version":1,"SecretAccessKey":"{SECRET}""#),
        SECRET.to_owned(),
    ] {
        let (folder, config) = profile("");
        let script = folder.path().join("credentials.sh");
        fs::write(&script, format!("echo '{printed}'\n")).expect("written");
        let line = format!("[default]\ncredential_process = sh {}\n", script.display());
        fs::write(&config, line).expect("written");
        let environment = [("AWS_PROFILE", "default"), ("AWS_CONFIG_FILE", &config)];
        let said = read_with("http://127.0.0.1:1", "comics", &environment);
        assert!(said.contains("credentials"), "{said}");
        assert!(said.contains("external process"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[test]
fn profiles_of_every_kind_are_understood() {
    let sso = "sso_session = work\nsso_account_id = 123456789012\nsso_role_name = Reader\n\
               [sso-session work]\nsso_region = us-east-1\nsso_start_url = https://example.invalid/start";
    let login = "login_session = arn:aws:iam::123456789012:user/reader";
    for lines in [sso, login] {
        let (_folder, config) = profile(lines);
        let environment = [("AWS_PROFILE", "default"), ("AWS_CONFIG_FILE", &*config)];
        let said = read_with("http://127.0.0.1:1", "comics", &environment);
        // Nobody has logged in here; what was built without support speaks of features.
        assert!(said.contains("there are no credentials"), "{said}");
        assert!(!said.contains("feature"), "{said}");
    }
}

#[tokio::test]
async fn credentials_over_https_reach_a_table_over_http() {
    let table = support::table().await;
    let sts = Server::over_tls("sts.test", |_| {
        let answer = format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>local</AccessKeyId>\
             <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2126-01-01T00:00:00Z</Expiration></Credentials>\
             <AssumedRoleUser><AssumedRoleId>a:b</AssumedRoleId><Arn>arn:aws:sts::1:role/r</Arn>\
             </AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        );
        ("text/xml", answer)
    });
    let proxy = ConnectProxy::to(sts.port());
    let token = sts.folder().join("token");
    fs::write(&token, "token").expect("written");
    let environment = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().expect("text")),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader"),
        ("AWS_ENDPOINT_URL_STS", "https://sts.test"),
        ("AWS_CA_BUNDLE", &sts.roots()),
        ("HTTPS_PROXY", &proxy.url()),
    ];
    let url = endpoint().expect("a server");
    assert_eq!(read_with(&url, table.name(), &environment), "ok");
    assert_eq!(proxy.targets(), ["sts.test:443"]);
}

#[tokio::test]
async fn credentials_of_a_container_are_asked_for_without_a_proxy() {
    let table = support::table().await;
    let container = Server::plain(|_| {
        let answer = format!(
            r#"{{"AccessKeyId":"local","SecretAccessKey":"{SECRET}","Token":"t","Expiration":"2126-01-01T00:00:00Z"}}"#
        );
        ("application/json", answer)
    });
    let address = format!("http://127.0.0.1:{}/credentials", container.port());
    let environment = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*address),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ];
    let url = endpoint().expect("a server");
    assert_eq!(read_with(&url, table.name(), &environment), "ok");
    assert_eq!(container.requests(), 1);
}

/// A table on a server over TLS whose name only the proxy knows.
fn remote_table() -> (Server, ConnectProxy) {
    let server = Server::over_tls("dynamodb.test", |_| {
        ("application/x-amz-json-1.0", "{}".to_owned())
    });
    let proxy = ConnectProxy::to(server.port());
    (server, proxy)
}

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
];

#[test]
fn a_proxy_and_certificates_of_the_environment_are_used() {
    let (server, proxy) = remote_table();
    let (roots, proxy_url) = (server.roots(), proxy.url());
    let environment = [
        KEYS[0],
        KEYS[1],
        ("AWS_CA_BUNDLE", &roots),
        ("HTTPS_PROXY", &proxy_url),
    ];
    let said = read_with("https://dynamodb.test", "comics", &environment);
    assert_eq!(said, "ok");
    assert_eq!(proxy.targets(), ["dynamodb.test:443"]);
    assert!(server.requests() > 0);

    let past_it = [&environment[..], &[("NO_PROXY", "dynamodb.test")]].concat();
    let said = read_with("https://dynamodb.test", "comics", &past_it);
    assert!(said != "ok" && !said.contains(SECRET), "{said}");
    assert_eq!(proxy.targets().len(), 1, "NO_PROXY names it");

    let untrusted = [KEYS[0], KEYS[1], ("HTTPS_PROXY", &*proxy_url)];
    let said = read_with("https://dynamodb.test", "comics", &untrusted);
    assert!(said.to_lowercase().contains("certificate"), "{said}");
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.pem");
    let nonsense = folder.path().join("nonsense.pem");
    fs::write(&empty, "").expect("written");
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&nonsense, certificate).expect("written");
    for path in [empty, nonsense, folder.path().join("missing.pem")] {
        let path = path.to_str().expect("text");
        let environment = [KEYS[0], KEYS[1], ("AWS_CA_BUNDLE", path)];
        let said = read_with("https://dynamodb.test", "comics", &environment);
        assert!(
            said.contains("AWS_CA_BUNDLE") && said.contains(path),
            "{said}"
        );
    }
}
