//! Which addresses are public: those that the registries of special-purpose addresses (RFC 6890) do not name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_len)
}

const fn v6(first: u16, second: u16, prefix_len: u8) -> Ipv6Net {
    let address = Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0);
    Ipv6Net::new_assert(address, prefix_len)
}

const SPECIAL_V4: [Ipv4Net; 16] = [
    // "This network", RFC 791.
    v4(0, 0, 0, 0, 8),
    // Private use, RFC 1918.
    v4(10, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    // Shared by customers of a provider, RFC 6598.
    v4(100, 64, 0, 0, 10),
    // Loopback, RFC 1122.
    v4(127, 0, 0, 0, 8),
    // Link-local, RFC 3927; the metadata of clouds are here.
    v4(169, 254, 0, 0, 16),
    // Public by its number, but that of the platform inside a virtual machine of Azure.
    v4(168, 63, 129, 16, 32),
    // Protocol assignments, RFC 6890.
    v4(192, 0, 0, 0, 24),
    // Documentation, RFC 5737.
    v4(192, 0, 2, 0, 24),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Relays of 6to4, RFC 7526.
    v4(192, 88, 99, 0, 24),
    // Benchmarks, RFC 2544.
    v4(198, 18, 0, 0, 15),
    // Multicast, RFC 5771.
    v4(224, 0, 0, 0, 4),
    // Reserved and broadcast, RFC 1112 and 919.
    v4(240, 0, 0, 0, 4),
];

/// Global unicast, RFC 4291. Loopback, link-local, unique local and multicast addresses lie outside.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

const SPECIAL_V6: [Ipv6Net; 4] = [
    // Protocol assignments with Teredo, RFC 2928 and 4380.
    v6(0x2001, 0, 23),
    // Documentation, RFC 3849 and 9637.
    v6(0x2001, 0xdb8, 32),
    v6(0x3fff, 0, 20),
    // 6to4, RFC 3056: an IPv4 address in another form.
    v6(0x2002, 0, 16),
];

/// IPv4 addresses behind a translator, RFC 6052.
const TRANSLATED: Ipv6Net = v6(0x64, 0xff9b, 96);

/// Whether an address is that of a host of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) if TRANSLATED.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            is_public(IpAddr::from([a, b, c, d]))
        }
        IpAddr::V6(address) => {
            let is_special = SPECIAL_V6.iter().any(|network| network.contains(&address));
            GLOBAL_V6.contains(&address) && !is_special
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public_in_any_form() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "168.63.129.16",
            "172.31.0.1",
            "192.168.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn others_are_public() {
        for address in [
            "1.1.1.1",
            "93.184.215.14",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
