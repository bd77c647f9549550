//! URLs without their queries, by which prefixes and hosts are found.

use http::Uri;

use crate::record::UrlRecord;

/// A URL without its query, so without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UrlBase {
    pub(crate) scheme: String,
    pub(crate) domain: String,
    /// `None` if it is that of the scheme.
    pub(crate) port: Option<u16>,
    pub(crate) path: String,
}

impl UrlBase {
    /// That of an absolute target.
    pub(crate) fn of(target: &Uri) -> Self {
        let scheme = target.scheme_str().unwrap_or("http").to_owned();
        let own_port = if scheme == "https" { 443 } else { 80 };
        Self {
            port: target.port_u16().filter(|port| *port != own_port),
            domain: target.host().unwrap_or_default().to_ascii_lowercase(),
            path: target.path().to_owned(),
            scheme,
        }
    }

    pub(crate) fn of_record(url: &UrlRecord) -> Self {
        Self {
            scheme: url.scheme.clone(),
            domain: url.domain.clone(),
            port: url.port,
            path: url.path.clone(),
        }
    }

    /// Scheme, host and port, the latter unless it is that of the scheme (RFC 6454, section 6.2).
    pub(crate) fn origin(&self) -> String {
        let Self { scheme, domain, .. } = self;
        match self.port {
            Some(port) => format!("{scheme}://{domain}:{port}"),
            None => format!("{scheme}://{domain}"),
        }
    }

    /// As text, by which prefixes are compared.
    pub(crate) fn text(&self) -> String {
        self.origin() + &self.path
    }

    pub(crate) fn starts_with(&self, prefix: &Self) -> bool {
        self.domain == prefix.domain && self.has_path_of(prefix)
    }

    /// Whether it starts with a prefix of the same host.
    pub(crate) fn has_path_of(&self, prefix: &Self) -> bool {
        self.scheme == prefix.scheme
            && self.port == prefix.port
            && self.path.starts_with(&prefix.path)
    }
}
