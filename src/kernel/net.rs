//! Addresses as the product tells callers apart by them who have not signed in.

use std::net::IpAddr;

/// The network of an address: an IPv4 address itself, of an IPv6 address the /64, which belongs to one household or telephone
/// as a whole. All zero when the address is not known.
pub fn network(ip: Option<IpAddr>) -> [u8; 16] {
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(v4)) => v4.to_ipv6_mapped().octets(),
        Some(IpAddr::V6(v6)) => {
            let mut bytes = v6.octets();
            bytes[8..].fill(0);
            bytes
        }
        None => [0; 16],
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn neighbours_in_one_ipv6_network_are_one() {
        let of = |text: &str| network(Some(text.parse().expect("an address")));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
