//! The store address: `--store` and `--db`, else the environment.
//!
//! Errors do not repeat the address, only names that cannot be secrets: an address may hold credentials
//! by mistake.

use std::ffi::OsString;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};

use crate::error::Error;
use crate::options::GlobalOptions;

const STORE_VARIABLE: &str = "COMIC_VINE_STORE";
const DB_VARIABLE: &str = "COMIC_VINE_DB_PATH";

const FORMS: &str = "sqlite://PATH, dynamodb://TABLE?region=REGION&endpoint=URL or memory://";
/// Before the address of a shared store: copies of its cache in memory.
const TIERED: &str = "tiered+";
const NO_CREDENTIALS: &str = "holds credentials; remove them, and provide them as the AWS command line \
                              finds them, such as AWS_PROFILE or AWS_ACCESS_KEY_ID";

/// A store address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreAddress {
    pub(crate) backend: Address,
    /// Whether copies in memory come before the cache.
    pub(crate) is_tiered: bool,
}

/// The address of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// None was given: a file in the platform's data directory.
    Default,
    /// A database file.
    Sqlite(PathBuf),
    /// In-process stores.
    Memory,
    /// A DynamoDB table.
    DynamoDb(TableAddress),
}

/// The address of a DynamoDB table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableAddress {
    /// The name of the table.
    pub(crate) table: String,
    /// Default: the environment's.
    pub(crate) region: Option<String>,
    /// Default: that of AWS.
    pub(crate) endpoint: Option<String>,
}

impl StoreAddress {
    /// The address that `global` or the environment gives.
    pub(crate) fn from_options(global: &GlobalOptions) -> Result<Self, Error> {
        resolve(global, |name| std::env::var_os(name))
    }
}

impl From<Address> for StoreAddress {
    fn from(backend: Address) -> Self {
        Self {
            backend,
            is_tiered: false,
        }
    }
}

#[cfg(feature = "dynamodb")]
impl TableAddress {
    /// The command that creates this table.
    pub(super) fn setup_command(&self) -> String {
        let mut command = format!("comicvine table setup --table {}", self.table);
        let options = [
            (" --region ", &self.region),
            (" --endpoint-url ", &self.endpoint),
        ];
        for (option, value) in options {
            if let Some(value) = value {
                command.extend([option, value]);
            }
        }
        command
    }
}

/// The address on the command line, else that in the environment. Two addresses at once are an error,
/// which an order of precedence would hide.
fn resolve(
    global: &GlobalOptions,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<StoreAddress, Error> {
    let given = (global.store.as_deref(), global.db.clone());
    match given {
        (Some(_), Some(_)) => Err(Error::usage(
            "--store and --db name two stores; omit one of them: --db PATH is short for --store \
             sqlite://PATH",
        )),
        (Some(url), None) => parse(url).map_err(|why| wrong("--store", &why)),
        (None, Some(path)) => Ok(Address::Sqlite(path).into()),
        (None, None) => from_environment(environment),
    }
}

fn from_environment(environment: impl Fn(&str) -> Option<OsString>) -> Result<StoreAddress, Error> {
    let set = |name| environment(name).filter(|value| !value.is_empty());
    match (set(STORE_VARIABLE), set(DB_VARIABLE)) {
        (Some(_), Some(_)) => Err(Error::usage(format!(
            "{STORE_VARIABLE} and {DB_VARIABLE} name two stores; unset one of them, or name a store \
             with --store"
        ))),
        (Some(url), None) => {
            let url = url
                .to_str()
                .ok_or_else(|| wrong(STORE_VARIABLE, "is not UTF-8"));
            parse(url?).map_err(|why| wrong(STORE_VARIABLE, &why))
        }
        (None, Some(path)) => Ok(Address::Sqlite(path.into()).into()),
        (None, None) => Ok(Address::Default.into()),
    }
}

fn wrong(source: &str, why: &str) -> Error {
    Error::usage(format!("{source} {why}"))
}

fn parse(url: &str) -> Result<StoreAddress, String> {
    let tiered = url.strip_prefix(TIERED);
    let backend = parse_backend(tiered.unwrap_or(url))?;
    if tiered.is_some() && backend == Address::Memory {
        return Err(
            "names no shared store behind tiered+; memory:// is in memory already".to_owned(),
        );
    }
    Ok(StoreAddress {
        backend,
        is_tiered: tiered.is_some(),
    })
}

fn parse_backend(url: &str) -> Result<Address, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(format!(
            "takes an address: {FORMS}; a plain path goes to --db"
        ));
    };
    match scheme {
        "sqlite" => sqlite(rest),
        "dynamodb" => dynamodb(rest).map(Address::DynamoDb),
        "memory" if rest.is_empty() => Ok(Address::Memory),
        "memory" => Err("names something behind memory://, which takes no name".to_owned()),
        _ => Err(format!(
            "begins with a scheme that is none of {FORMS}, with or without `{TIERED}` before it"
        )),
    }
}

fn sqlite(rest: &str) -> Result<Address, String> {
    if rest.contains('?') {
        return Err(
            "gives parameters to sqlite://, which has none; in a path, write %3F for `?`"
                .to_owned(),
        );
    }
    if rest.is_empty() {
        return Err(
            "names no file; write sqlite://comics.db, or sqlite:///var/lib/comics.db from the root"
                .to_owned(),
        );
    }
    let bytes: Vec<u8> = percent_decode_str(rest).collect();
    let path = path(bytes).ok_or("names a file that is not UTF-8, which this system cannot")?;
    Ok(Address::Sqlite(path))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems take UTF-8 only")]
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn path(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

fn dynamodb(rest: &str) -> Result<TableAddress, String> {
    let (table, query) = rest.split_once('?').unwrap_or((rest, ""));
    if table.contains('@') {
        return Err(NO_CREDENTIALS.to_owned());
    }
    let table = table.strip_suffix('/').unwrap_or(table);
    if table.is_empty() {
        return Err(
            "names no table; write dynamodb://TABLE, such as dynamodb://comic-vine-store"
                .to_owned(),
        );
    }
    // <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !(3..=255).contains(&table.len()) || !table.bytes().all(is_name) {
        return Err(
            "names no possible table: a name has 3 to 255 letters, digits, `_`, `-` and `.`"
                .to_owned(),
        );
    }
    let mut address = TableAddress {
        table: table.to_owned(),
        ..TableAddress::default()
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let (slot, value) = match &*name {
            "region" => (&mut address.region, region(&value)?),
            "endpoint" => (&mut address.endpoint, endpoint(&value)?),
            name if is_secret(name) => return Err(NO_CREDENTIALS.to_owned()),
            name => {
                return Err(format!(
                    "has the parameter `{}`; dynamodb:// has `region` and `endpoint` only",
                    name.escape_debug()
                ));
            }
        };
        if slot.replace(value).is_some() {
            return Err(format!("gives `{name}` twice"));
        }
    }
    Ok(address)
}

/// Whether a parameter of this name would hold a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let secrets = ["key", "secret", "token", "password", "credential", "user"];
    secrets.iter().any(|secret| name.contains(secret))
}

fn region(value: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if value.is_empty() || !value.bytes().all(is_name) {
        return Err("has an unusable `region`; write it like `eu-central-1`".to_owned());
    }
    Ok(value.to_owned())
}

fn endpoint(value: &str) -> Result<String, String> {
    let unusable = "has an unusable `endpoint`; write it like `http://127.0.0.1:8000`";
    let url = Url::parse(value).map_err(|_| unusable.to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NO_CREDENTIALS.to_owned());
    }
    let is_plain = url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain {
        return Err(unusable.to_owned());
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Options {
        #[command(flatten)]
        global: GlobalOptions,
    }

    fn global(arguments: &[&str]) -> GlobalOptions {
        let arguments = ["comicvine"].iter().chain(arguments);
        Options::try_parse_from(arguments).unwrap().global
    }

    fn nothing(_: &str) -> Option<OsString> {
        None
    }

    fn sqlite_at(path: &str) -> StoreAddress {
        Address::Sqlite(path.into()).into()
    }

    fn complaint(result: Result<StoreAddress, Error>) -> String {
        match result {
            Err(Error::Usage(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths_are_relative_absolute_and_percent_encoded() {
        let cases = [
            ("sqlite://comics.db", "comics.db"),
            ("sqlite://./a/comics.db", "./a/comics.db"),
            ("sqlite:///var/lib/comics.db", "/var/lib/comics.db"),
            (
                "sqlite:///with%20space/100%25/%3F.db",
                "/with space/100%/?.db",
            ),
            ("sqlite://caf%C3%A9/me@home.db", "café/me@home.db"),
        ];
        for (url, path) in cases {
            assert_eq!(parse(url), Ok(sqlite_at(path)), "{url}");
        }
    }

    #[test]
    fn tables_are_named_with_region_and_endpoint() {
        let url = "dynamodb://comics?region=eu-central-1&endpoint=http%3A%2F%2F127.0.0.1%3A8000";
        let address = TableAddress {
            table: "comics".to_owned(),
            region: Some("eu-central-1".to_owned()),
            endpoint: Some("http://127.0.0.1:8000".to_owned()),
        };
        assert_eq!(parse(url), Ok(Address::DynamoDb(address.clone()).into()));
        let plain = "dynamodb://comics/?endpoint=http://127.0.0.1:8000&region=eu-central-1";
        assert_eq!(parse(plain), Ok(Address::DynamoDb(address).into()));
        assert_eq!(parse("memory://"), Ok(Address::Memory.into()));
    }

    #[test]
    fn a_shared_store_may_have_a_tier_in_memory() {
        let tiered = |address: StoreAddress| StoreAddress {
            is_tiered: true,
            ..address
        };
        assert_eq!(parse("tiered+sqlite://a.db"), Ok(tiered(sqlite_at("a.db"))));
        let table = parse("dynamodb://comics?region=eu-central-1").map(tiered);
        assert_eq!(parse("tiered+dynamodb://comics?region=eu-central-1"), table);
    }

    #[test]
    fn wrong_addresses_name_the_remedy() {
        let cases = [
            ("comics.db", "a plain path goes to --db"),
            ("redis://host", "sqlite://PATH"),
            ("memory://a", "takes no name"),
            ("tiered+memory://", "no shared store"),
            ("tiered+sqlite://", "names no file"),
            ("tiered+redis://host", "`tiered+` before it"),
            ("sqlite://", "names no file"),
            ("sqlite://a.db?mode=ro", "%3F"),
            ("dynamodb://", "names no table"),
            ("dynamodb://?region=eu-central-1", "names no table"),
            ("dynamodb://a", "3 to 255"),
            ("dynamodb://com ics", "3 to 255"),
            (
                "dynamodb://comics?table=b",
                "`table`; dynamodb:// has `region` and `endpoint` only",
            ),
            ("dynamodb://comics?region=", "like `eu-central-1`"),
            ("dynamodb://comics?region=a&region=b", "`region` twice"),
            ("dynamodb://comics?endpoint=127.0.0.1:8000", "like `http://"),
            ("dynamodb://comics?endpoint=ftp://host", "like `http://"),
        ];
        for (url, part) in cases {
            let why = parse(url).unwrap_err();
            assert!(why.contains(part), "{url}: {why}");
        }
    }

    #[test]
    fn credentials_are_refused_and_never_repeated() {
        for url in [
            "dynamodb://AKIAEXAMPLE:5ecr3t@comics",
            "dynamodb://5ecr3t@comics?region=eu-central-1",
            "dynamodb://comics?aws_secret_access_key=5ecr3t",
            "dynamodb://comics?sessionToken=5ecr3t",
            "dynamodb://comics?endpoint=http://AKIA:5ecr3t@127.0.0.1:8000",
            "dynamodb://comics?endpoint=http%3A%2F%2F5ecr3t%40127.0.0.1",
        ] {
            let why = parse(url).unwrap_err();
            assert!(why.contains("AWS_PROFILE"), "{url}: {why}");
            assert!(!why.contains("5ecr3t") && !why.contains("AKIA"), "{why}");
        }
        for url in [
            "5ecr3t://comics",
            "5ecr3t",
            "dynamodb://comics?region=5ecr3t/",
        ] {
            let why = parse(url).unwrap_err();
            assert!(!why.contains("5ecr3t"), "{why}");
        }
    }

    #[test]
    fn command_line_comes_before_the_environment() {
        let environment = |name: &str| match name {
            STORE_VARIABLE => Some("memory://".into()),
            _ => None,
        };
        let file = |name: &str| (name == DB_VARIABLE).then(|| "e.db".into());
        let default = StoreAddress::from(Address::Default);
        assert_eq!(resolve(&global(&[]), nothing).unwrap(), default);
        let memory = StoreAddress::from(Address::Memory);
        assert_eq!(resolve(&global(&[]), environment).unwrap(), memory);
        assert_eq!(resolve(&global(&[]), file).unwrap(), sqlite_at("e.db"));
        let typed = global(&["--db", "a.db"]);
        assert_eq!(resolve(&typed, environment).unwrap(), sqlite_at("a.db"));
        let typed = global(&["--store", "sqlite://b.db"]);
        assert_eq!(resolve(&typed, file).unwrap(), sqlite_at("b.db"));
        let empty = |_: &str| Some(OsString::new());
        assert_eq!(resolve(&global(&[]), empty).unwrap(), default);
    }

    #[test]
    fn two_stores_at_once_are_a_mistake() {
        let typed = global(&["--store", "memory://", "--db", "a.db"]);
        assert!(complaint(resolve(&typed, nothing)).contains("omit one of them"));
        let both = |_: &str| Some("memory://".into());
        assert!(complaint(resolve(&global(&[]), both)).contains("unset one of them"));
    }
}
