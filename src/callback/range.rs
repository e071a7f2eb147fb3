//! Which internet addresses are public, from IANA's registries of special-purpose addresses.
//!
//! A table and one look-up. It does not resolve names.
//!
//! The surprise: IPv6 is checked the other way round. Only `2000::/3` is handed out to anybody, so
//! whatever lies outside is refused without being listed; the list only gives it a name. That
//! takes care of every prefix that carries an IPv4 address inside (mapped, NAT64), known or not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Public,
    /// A laboratory may call it.
    Private(&'static str),
    /// Nobody may.
    Never(&'static str),
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: [u16; 4], prefix: u8) -> Ipv6Net {
    let [a, b, c, d] = first;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

const SPECIAL_V4: [(Ipv4Net, Range); 18] = [
    (v4(127, 0, 0, 0, 8), Range::Private("loopback")),
    (v4(10, 0, 0, 0, 8), Range::Private("private")),
    (v4(172, 16, 0, 0, 12), Range::Private("private")),
    (v4(192, 168, 0, 0, 16), Range::Private("private")),
    // Alibaba's metadata service lives in the shared range; it comes before it.
    (v4(100, 100, 100, 200, 32), Range::Never("metadata service")),
    (v4(100, 64, 0, 0, 10), Range::Private("carrier-grade NAT")),
    (v4(198, 18, 0, 0, 15), Range::Private("benchmark")),
    (v4(0, 0, 0, 0, 8), Range::Never("unspecified")),
    // Nearly every cloud's metadata service is 169.254.169.254.
    (v4(169, 254, 0, 0, 16), Range::Never("link-local")),
    // Azure's, in the middle of public space.
    (v4(168, 63, 129, 16, 32), Range::Never("metadata service")),
    // Oracle's is 192.0.0.192.
    (v4(192, 0, 0, 0, 24), Range::Never("protocol assignment")),
    (v4(192, 0, 2, 0, 24), Range::Never("documentation")),
    (v4(198, 51, 100, 0, 24), Range::Never("documentation")),
    (v4(203, 0, 113, 0, 24), Range::Never("documentation")),
    (v4(192, 88, 99, 0, 24), Range::Never("6to4 relay")),
    (v4(224, 0, 0, 0, 4), Range::Never("multicast")),
    (v4(255, 255, 255, 255, 32), Range::Never("broadcast")),
    (v4(240, 0, 0, 0, 4), Range::Never("reserved")),
];

const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0], 3);

const SPECIAL_V6: [(Ipv6Net, Range); 14] = [
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), Range::Private("loopback")),
    // AWS answers on fd00:ec2::254 too.
    (v6([0xfd00, 0x0ec2, 0, 0], 32), Range::Never("metadata service")),
    (v6([0xfc00, 0, 0, 0], 7), Range::Private("unique local")),
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), Range::Never("unspecified")),
    (Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), MAPPED),
    (v6([0xfe80, 0, 0, 0], 10), Range::Never("link-local")),
    (v6([0xff00, 0, 0, 0], 8), Range::Never("multicast")),
    (v6([0x0064, 0xff9b, 0, 0], 32), Range::Never("NAT64")),
    // Inside global space, and still not for the public: Teredo, benchmarks, ORCHID, relays.
    (v6([0x2001, 0, 0, 0], 23), Range::Never("protocol assignment")),
    (v6([0x2001, 0x0db8, 0, 0], 32), Range::Never("documentation")),
    (v6([0x3fff, 0, 0, 0], 20), Range::Never("documentation")),
    (v6([0x2002, 0, 0, 0], 16), Range::Never("6to4")),
    (v6([0x3ffe, 0, 0, 0], 16), Range::Never("returned")),
    (v6([0x2620, 0x004f, 0x8000, 0], 48), Range::Never("AS112")),
];

const MAPPED: Range = Range::Never("IPv4 in IPv6");

pub(super) fn of(address: IpAddr) -> Range {
    match address {
        IpAddr::V4(address) => SPECIAL_V4
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map_or(Range::Public, |&(_, range)| range),
        IpAddr::V6(address) => {
            let special = SPECIAL_V6.iter().find(|(net, _)| net.contains(&address));
            match special {
                Some(&(_, range)) => range,
                None if GLOBAL_V6.contains(&address) => Range::Public,
                None => Range::Never("not global"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_told_from_public_ones_at_their_borders() {
        for (text, expected) in [
            ("1.1.1.1", Range::Public),
            ("9.255.255.255", Range::Public),
            ("10.0.0.0", Range::Private("private")),
            ("10.255.255.255", Range::Private("private")),
            ("11.0.0.0", Range::Public),
            ("100.63.255.255", Range::Public),
            ("100.64.0.1", Range::Private("carrier-grade NAT")),
            ("100.100.100.200", Range::Never("metadata service")),
            ("100.128.0.0", Range::Public),
            ("127.255.255.254", Range::Private("loopback")),
            ("168.63.129.16", Range::Never("metadata service")),
            ("168.63.129.17", Range::Public),
            ("169.254.169.254", Range::Never("link-local")),
            ("172.15.255.255", Range::Public),
            ("172.16.0.0", Range::Private("private")),
            ("172.31.255.255", Range::Private("private")),
            ("172.32.0.0", Range::Public),
            ("192.0.0.192", Range::Never("protocol assignment")),
            ("192.168.255.255", Range::Private("private")),
            ("198.19.255.255", Range::Private("benchmark")),
            ("223.255.255.255", Range::Public),
            ("224.0.0.1", Range::Never("multicast")),
            ("240.0.0.1", Range::Never("reserved")),
            ("255.255.255.255", Range::Never("broadcast")),
            ("2606:4700::1111", Range::Public),
            ("2001:200::1", Range::Public),
            ("2001:0:1::1", Range::Never("protocol assignment")),
            ("2001:db8::1", Range::Never("documentation")),
            ("2002:7f00:1::", Range::Never("6to4")),
            ("64:ff9b::7f00:1", Range::Never("NAT64")),
            ("64:ff9b:1::1", Range::Never("NAT64")),
            ("::ffff:8.8.8.8", MAPPED),
            ("::127.0.0.1", Range::Never("not global")),
            ("::1", Range::Private("loopback")),
            ("::", Range::Never("unspecified")),
            ("fd00:ec2::254", Range::Never("metadata service")),
            ("fd12::1", Range::Private("unique local")),
            ("fe80::1", Range::Never("link-local")),
            ("fec0::1", Range::Never("not global")),
            ("ff02::1", Range::Never("multicast")),
            ("5f00::1", Range::Never("not global")),
            ("100::1", Range::Never("not global")),
        ] {
            assert_eq!(of(text.parse().unwrap()), expected, "{text}");
        }
    }
}
