//! Which addresses may be called: public ones, and the networks of this house that the settings allow. Pure.
//!
//! The lists are IANA's registries of special-purpose addresses (RFC 6890 and later), without what is reachable from everywhere. Of
//! IPv6 only global unicast is allowed at all. Addresses that carry an IPv4 address are judged by that one, so that none is a
//! detour.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// IPv4 networks that are not public.
const CLOSED_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    // Shared by the customers of a provider; a cloud keeps its metadata there.
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Link-local; other clouds keep their metadata there.
    v4(169, 254, 0, 0, 16),
    // A public address at which a cloud answers its own machines.
    v4(168, 63, 129, 16, 32),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];
/// Global unicast.
const OPEN_V6: Ipv6Net = v6(0x2000, 0, 0, 3);
/// Networks within it that are not public: protocol assignments and tunnels (Teredo), documentation, 6to4.
const CLOSED_V6: [Ipv6Net; 4] =
    [v6(0x2001, 0, 0, 23), v6(0x2001, 0xdb8, 0, 32), v6(0x2002, 0, 0, 16), v6(0x3fff, 0, 0, 20)];
/// IPv4 addresses behind a translator (RFC 6052).
const TRANSLATED: Ipv6Net = v6(0x64, 0xff9b, 0, 96);

/// Says which addresses may be called.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Vec<IpNet>,
}

impl Guard {
    /// Public addresses and these networks.
    pub fn new(allowed: &[IpNet]) -> Self {
        Self { allowed: allowed.to_vec() }
    }

    /// Whether `address` may be called.
    pub fn permits(&self, address: IpAddr) -> bool {
        let meant = meant(address);
        self.allowed.iter().any(|network| network.contains(&meant)) || is_public(meant)
    }
}

/// The address that is reached in the end.
fn meant(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if TRANSLATED.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        other => other,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            OPEN_V6.contains(&address) && !CLOSED_V6.iter().any(|network| network.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text} is no address"))
    }

    #[test]
    fn public_addresses_are_permitted() {
        for address in [
            "1.1.1.1",
            "93.184.216.34",
            "172.15.255.255",
            "172.32.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450:4001::200e",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(Guard::default().permits(ip(address)), "{address}");
        }
    }

    #[test]
    fn others_are_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!Guard::default().permits(ip(address)), "{address}");
        }
    }

    #[test]
    fn a_network_of_the_house_is_permitted_when_it_is_allowed_also_in_other_forms() {
        let guard = Guard::new(&["10.1.0.0/16".parse().expect("a network"), "fd12::/16".parse().expect("a network")]);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd12::1"] {
            assert!(guard.permits(ip(address)), "{address}");
        }
        for address in ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "fd13::1"] {
            assert!(!guard.permits(ip(address)), "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_form_of_an_ipv4_address_is_a_detour(bits: u32) {
            let plain = Ipv4Addr::from(bits);
            let [a, b, c, d] = plain.octets();
            let expected = Guard::default().permits(IpAddr::V4(plain));
            prop_assert_eq!(Guard::default().permits(IpAddr::V6(plain.to_ipv6_mapped())), expected);
            let low = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, low[0], low[1]);
            prop_assert_eq!(Guard::default().permits(IpAddr::V6(translated)), expected);
            for detour in [Ipv6Addr::new(0, 0, 0, 0, 0, 0, low[0], low[1]), Ipv6Addr::new(0x2002, low[0], low[1], 0, 0, 0, 0, 1)] {
                prop_assert!(!Guard::default().permits(IpAddr::V6(detour)));
            }
            let known = plain.is_private() || plain.is_loopback() || plain.is_link_local() || plain.is_multicast()
                || plain.is_broadcast() || plain.is_documentation() || plain.is_unspecified();
            prop_assert!(!(known && expected), "the standard library knows better: {plain}");
        }

        #[test]
        fn no_ipv6_address_outside_global_unicast_is_permitted(bits: u128) {
            let address = Ipv6Addr::from(bits);
            let is_global = bits >> 125 == 0b001;
            let is_other_form = address.to_ipv4_mapped().is_some() || TRANSLATED.contains(&address);
            prop_assert!(is_global || is_other_form || !Guard::default().permits(IpAddr::V6(address)));
            prop_assert!(!(address.is_loopback() || address.is_multicast() || address.is_unique_local())
                || !Guard::default().permits(IpAddr::V6(address)));
        }
    }
}
