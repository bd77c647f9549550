//! Services that hand out credentials, and a table that tells with whose a request was signed.

use std::fs;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::server::{ConnectProxy, Server};
use super::{SECRET, profile, read_with};

/// Far enough ahead for every test.
const EXPIRY: &str = "2126-01-01T00:00:00Z";
const EXPIRY_MILLIS: i64 = 4_922_899_200_000;

/// A table that has nothing in it.
struct Table {
    server: Server,
    signers: Arc<Mutex<Vec<String>>>,
}

impl Table {
    fn start() -> Self {
        let signers = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&signers);
        let server = Server::plain(move |head| {
            let signer = head.split_once("Credential=").map(|(_, rest)| rest);
            let signer = signer.and_then(|rest| rest.split('/').next());
            seen.lock()
                .expect("no panic")
                .push(signer.unwrap_or("nobody").to_owned());
            ("application/x-amz-json-1.0", "{}".to_owned())
        });
        Self { server, signers }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port())
    }

    /// The access keys that requests were signed with, without repetition.
    fn signers(&self) -> Vec<String> {
        let mut signers = self.signers.lock().expect("no panic").clone();
        signers.dedup();
        signers
    }
}

/// The metadata service of a machine with the role `reader`, version 2: with a token for whoever puts a request for one.
fn machine() -> Server {
    Server::plain(|head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let roles = "/latest/meta-data/iam/security-credentials/";
        if path == "/latest/api/token" {
            // The lifetime is a header of its own.
            let headers = "text/plain\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600";
            return (headers, "metadata-token".to_owned());
        }
        assert!(head.contains("metadata-token"), "{path} without a token");
        if path == roles {
            return ("text/plain", "reader".to_owned());
        }
        assert_eq!(path, format!("{roles}reader"));
        let credentials = format!(
            r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z",
                "AccessKeyId":"AKIDMACHINE","SecretAccessKey":"{SECRET}","Token":"t","Expiration":"{EXPIRY}"}}"#
        );
        ("application/json", credentials)
    })
}

fn url(server: &Server) -> String {
    format!("http://127.0.0.1:{}", server.port())
}

#[test]
fn the_role_of_a_machine_is_asked_for_without_a_proxy() {
    let (table, machine) = (Table::start(), machine());
    let (_folder, config) = profile("");
    let environment = [
        ("AWS_PROFILE", "default"),
        ("AWS_CONFIG_FILE", &*config),
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url(&machine)),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ];
    assert_eq!(read_with(&table.url(), "comics", &environment), "ok");
    assert_eq!(table.signers(), ["AKIDMACHINE"]);
    assert_eq!(machine.requests(), 3);
}

#[test]
fn a_profile_assumes_a_role_with_the_credentials_of_its_machine() {
    let (table, machine) = (Table::start(), machine());
    let asked = Arc::new(Mutex::new(String::new()));
    let heads = Arc::clone(&asked);
    let sts = Server::plain(move |head| {
        head.clone_into(&mut heads.lock().expect("no panic"));
        let answer = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>{EXPIRY}</Expiration></Credentials><AssumedRoleUser>\
             <AssumedRoleId>a:b</AssumedRoleId><Arn>arn:aws:sts::1:role/r</Arn></AssumedRoleUser>\
             </AssumeRoleResult></AssumeRoleResponse>"
        );
        ("text/xml", answer)
    });
    let (_folder, config) = profile(
        "role_arn = arn:aws:iam::123456789012:role/reader\ncredential_source = Ec2InstanceMetadata",
    );
    let environment = [
        ("AWS_PROFILE", "default"),
        ("AWS_CONFIG_FILE", &*config),
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url(&machine)),
        ("AWS_ENDPOINT_URL_STS", &url(&sts)),
    ];
    assert_eq!(read_with(&table.url(), "comics", &environment), "ok");
    assert_eq!(table.signers(), ["AKIDROLE"]);
    let asked = asked.lock().expect("no panic");
    assert!(asked.contains("Credential=AKIDMACHINE/"), "{asked}");
}

/// A home in which somebody has logged in to the session `work`.
fn logged_in(expires_at: &str) -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    let cache = home.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).expect("a folder");
    // The file is named after the SHA-1 of the session's name.
    let file = cache.join("e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json");
    let token = format!(r#"{{"accessToken":"sso-token","expiresAt":"{expires_at}"}}"#);
    fs::write(file, token).expect("written");
    home
}

const SSO: &str = "sso_session = work\nsso_account_id = 123456789012\nsso_role_name = Reader\n\
                   [sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://example.invalid/start";

fn role_of_portal(head: &str) -> (&'static str, String) {
    assert!(head.contains("/federation/credentials?"), "{head}");
    assert!(head.contains("role_name=Reader"), "{head}");
    assert!(head.contains("account_id=123456789012"), "{head}");
    assert!(head.contains("x-amz-sso_bearer_token: sso-token"), "{head}");
    let credentials = format!(
        r#"{{"roleCredentials":{{"accessKeyId":"AKIDSSO","secretAccessKey":"{SECRET}",
            "sessionToken":"t","expiration":{EXPIRY_MILLIS}}}}}"#
    );
    ("application/json", credentials)
}

#[test]
fn a_profile_of_a_login_gets_its_role_from_the_portal() {
    let (table, home) = (Table::start(), logged_in(EXPIRY));
    let (_folder, config) = profile(SSO);
    let home = home.path().to_str().expect("text");
    let own = [
        ("HOME", home),
        ("AWS_PROFILE", "default"),
        ("AWS_CONFIG_FILE", &*config),
    ];
    // At an endpoint that the environment names …
    let portal = Server::plain(role_of_portal);
    let address = url(&portal);
    let environment = [&own[..], &[("AWS_ENDPOINT_URL_SSO", &*address)]].concat();
    assert_eq!(read_with(&table.url(), "comics", &environment), "ok");
    assert_eq!(portal.requests(), 1);
    // … and else in the region of the session.
    let name = "portal.sso.eu-west-1.amazonaws.com";
    let portal = Server::over_tls(name, role_of_portal);
    let proxy = ConnectProxy::to(portal.port());
    let way = [
        ("AWS_CA_BUNDLE", &*portal.roots()),
        ("HTTPS_PROXY", &proxy.url()),
    ];
    let environment = [&own[..], &way].concat();
    assert_eq!(read_with(&table.url(), "comics", &environment), "ok");
    assert_eq!(proxy.targets(), [format!("{name}:443")]);
    assert_eq!(table.signers(), ["AKIDSSO"]);
}

#[test]
fn a_login_that_has_expired_is_told_and_its_token_is_not() {
    let (table, home) = (Table::start(), logged_in("2020-01-01T00:00:00Z"));
    let (_folder, config) = profile(SSO);
    let environment = [
        ("HOME", home.path().to_str().expect("text")),
        ("AWS_PROFILE", "default"),
        ("AWS_CONFIG_FILE", &*config),
    ];
    let said = read_with(&table.url(), "comics", &environment);
    assert!(said.contains("there are no credentials"), "{said}");
    assert!(said.contains("expired"), "{said}");
    assert!(!said.contains("sso-token"), "{said}");
    assert!(table.signers().is_empty());
}
