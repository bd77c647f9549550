//! What a forward proxy may be asked for: hosts with their ports, and addresses that are not public.
//!
//! Invariant: what the list does not name is refused, whatever a name resolves to.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;

use crate::config::HostPattern;

/// The port of `http`.
const PORT: u16 = 80;

/// An entry of the list: `example.org`, `*.example.org`, `*`, `10.0.0.0/8` or `127.0.0.1`, and after it perhaps `:` and
/// a port, or `*` for any. Default: port 80.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Allowed {
    hosts: Hosts,
    /// `None` is any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Named(HostPattern),
    /// The addresses of a network, also by the names of other entries.
    Network(IpNet),
}

impl Allowed {
    /// Whether a host in its normal form may be asked for at a port.
    fn allows_host(&self, host: &str, port: u16) -> bool {
        self.allows_port(port)
            && match &self.hosts {
                Hosts::Named(pattern) => pattern.matches(Some(host)),
                Hosts::Network(network) => {
                    literal(host).is_some_and(|address| network.contains(&address))
                }
            }
    }

    /// Whether it allows an address by itself.
    fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        self.allows_port(port)
            && match &self.hosts {
                Hosts::Named(_) => false,
                Hosts::Network(network) => network.contains(&address.to_canonical()),
            }
    }

    fn allows_port(&self, port: u16) -> bool {
        self.port.is_none_or(|allowed| allowed == port)
    }
}

/// The address that a host in its normal form is.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    let text = host
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address: IpAddr = text.unwrap_or(host).parse().ok()?;
    Some(address.to_canonical())
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || {
            format!(
                "{text:?} is no host that can be allowed; write one such as example.org, *.example.org:8080, 10.0.0.0/8 \
                 or *"
            )
        };
        let (hosts, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or_else(invalid)?;
            let port = if port.is_empty() {
                None
            } else {
                Some(port.strip_prefix(':').ok_or_else(invalid)?)
            };
            (address, port)
        } else if text.bytes().filter(|byte| *byte == b':').count() > 1 {
            // An address without brackets has no port.
            (text, None)
        } else {
            text.split_once(':')
                .map_or((text, None), |(hosts, port)| (hosts, Some(port)))
        };
        let port = match port {
            None => Some(PORT),
            Some("*") => None,
            Some(port) => Some(port.parse().map_err(|_| invalid())?),
        };
        let network = network(hosts);
        let hosts = if let Some(network) = network {
            Hosts::Network(network)
        } else if hosts.contains(['/', ':']) {
            return Err(invalid());
        } else {
            Hosts::Named(HostPattern::parse(hosts).map_err(|_| invalid())?)
        };
        Ok(Self { hosts, port })
    }
}

/// A network, or an address as one.
fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>();
    let address = address.map(|address| IpNet::from(address.to_canonical()));
    address.ok().or_else(|| text.parse().ok())
}

impl TryFrom<String> for Allowed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Named(pattern) => write!(f, "{pattern}")?,
            Hosts::Network(network) if network.addr().is_ipv6() => write!(f, "[{network}]")?,
            Hosts::Network(network) => write!(f, "{network}")?,
        }
        match self.port {
            None => f.write_str(":*"),
            Some(PORT) => Ok(()),
            Some(port) => write!(f, ":{port}"),
        }
    }
}

/// All entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllowList(pub(crate) Vec<Allowed>);

impl AllowList {
    /// Whether a host in its normal form may be asked for at a port.
    pub(crate) fn allows_host(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|entry| entry.allows_host(host, port))
    }

    /// Whether a connection may go to an address that is not public.
    pub(crate) fn allows_address(&self, address: IpAddr, port: u16) -> bool {
        self.0
            .iter()
            .any(|entry| entry.allows_address(address, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowList {
        AllowList(entries.iter().map(|entry| entry.parse().unwrap()).collect())
    }

    #[test]
    fn a_host_is_allowed_at_its_port() {
        let list = list(&["example.org", "*.example.net:8080", "10.0.0.0/8:*", "::1"]);
        for (host, port, expected) in [
            ("example.org", 80, true),
            ("example.org", 25, false),
            ("www.example.org", 80, false),
            ("a.example.net", 8080, true),
            ("a.example.net", 80, false),
            ("10.1.2.3", 9, true),
            ("11.1.2.3", 9, false),
            ("[::1]", 80, true),
            ("[::ffff:10.1.2.3]", 9, true),
        ] {
            assert_eq!(list.allows_host(host, port), expected, "{host}:{port}");
        }
    }

    #[test]
    fn only_networks_allow_addresses() {
        let list = list(&["*:*", "127.0.0.1:8000"]);
        let allows = |address: &str, port| list.allows_address(address.parse().unwrap(), port);
        assert!(allows("127.0.0.1", 8000) && allows("::ffff:127.0.0.1", 8000));
        assert!(!allows("127.0.0.1", 80) && !allows("127.0.0.2", 8000));
        assert!(list.allows_host("127.0.0.2", 1));
    }

    #[test]
    fn entries_are_shown_as_they_are_written() {
        for text in [
            "example.org",
            "*.example.org:*",
            "*",
            "10.0.0.0/8:81",
            "[::1/128]:*",
        ] {
            assert_eq!(text.parse::<Allowed>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "http://a",
            "a:b",
            "a:99999",
            "[::1",
            "[::1]8",
            "10.0.0.0/99",
            "a/8",
        ] {
            let error = text.parse::<Allowed>().unwrap_err();
            assert!(error.contains("*.example.org:8080"), "{text}: {error}");
        }
    }
}
