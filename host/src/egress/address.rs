//! Which part of the address space an IP address lies in.
//!
//! Only [`AddressClass::Public`] is reachable without a granted network. The list follows the IANA special-purpose address registries
//! (RFC 6890 and its updates) and fails closed: an IPv6 address outside `2000::/3` that no line names is `Reserved`.
//!
//! | class | IPv4 | IPv6 |
//! | --- | --- | --- |
//! | `Metadata` | 169.254.169.254, 168.63.129.16, 100.100.100.200, 192.0.0.192 | `fd00:ec2::254` |
//! | `Unspecified` | 0.0.0.0 | :: |
//! | `Loopback` | 127.0.0.0/8 | `::1` |
//! | `Private` | 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918) | `fc00::/7` (RFC 4193), `fec0::/10` |
//! | `LinkLocal` | 169.254.0.0/16 (RFC 3927) | `fe80::/10` |
//! | `Shared` | 100.64.0.0/10 (RFC 6598) | |
//! | `Multicast` | 224.0.0.0/4 | `ff00::/8` |
//! | `Documentation` | 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 | `2001:db8::/32`, `3fff::/20` |
//! | `Benchmark` | 198.18.0.0/15 (RFC 2544) | `2001:2::/48` |
//! | `Reserved` | 0.0.0.0/8, 192.0.0.0/24, 192.88.99.0/24, 240.0.0.0/4, 255.255.255.255 | Teredo, ORCHID, discard, local NAT64, the rest outside `2000::/3` |
//!
//! An IPv6 address that carries an IPv4 address belongs to the class of that IPv4 address: mapped (`::ffff:0:0/96`), compatible (`::/96`),
//! translated (`::ffff:0:0:0/96`), NAT64 (`64:ff9b::/96`) and 6to4 (`2002::/16`). They all are ways to write 127.0.0.1 that do not look
//! like it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The part of the address space an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Reachable without a granted network.
    Public,
    /// The well-known addresses of cloud metadata services, which hand out credentials to whoever asks.
    Metadata,
    Unspecified,
    Loopback,
    Private,
    LinkLocal,
    Shared,
    Multicast,
    Documentation,
    Benchmark,
    Reserved,
}

impl AddressClass {
    /// The class of this address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => of_v6(v6),
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Metadata => "cloud metadata",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Shared => "shared (carrier-grade NAT)",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Benchmark => "benchmark",
            Self::Reserved => "reserved",
        })
    }
}

/// AWS, Google, Azure and others; the Azure host agent; Alibaba; Oracle.
const METADATA_V4: [Ipv4Addr; 4] =
    [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];

/// AWS over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, 0, 0, 0] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [169, 254, ..] => AddressClass::LinkLocal,
        [100, 64..=127, ..] => AddressClass::Shared,
        [224..=239, ..] => AddressClass::Multicast,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmark,
        [0 | 240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    if address == METADATA_V6 {
        return AddressClass::Metadata;
    }
    if address.is_unspecified() {
        return AddressClass::Unspecified;
    }
    if address.is_loopback() {
        return AddressClass::Loopback;
    }
    if let Some(v4) = embedded_v4(address) {
        return of_v4(v4);
    }
    match address.segments() {
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => AddressClass::Documentation,
        [0x2001, 0x0002, 0, ..] => AddressClass::Benchmark,
        // 2001::/23 is kept for protocol assignments: Teredo (2001::/32), ORCHID (2001:10::/28 and 2001:20::/28) and the like.
        [0x2001, 0x0000..=0x01ff, ..] => AddressClass::Reserved,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

/// The IPv4 address inside an IPv6 address of a form that carries one.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let (high, low) = match segments {
        // Compatible (RFC 4291, deprecated), mapped (RFC 4291), translated (RFC 2765) and NAT64 with the well-known prefix (RFC 6052).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            (high, low)
        }
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn class(text: &str) -> AddressClass {
        AddressClass::of(text.parse().expect("an address"))
    }

    #[test]
    fn every_line_of_the_table() {
        use AddressClass::{
            Benchmark, Documentation, LinkLocal, Loopback, Metadata, Multicast, Private, Public, Reserved, Shared, Unspecified,
        };
        for (text, expected) in [
            ("169.254.169.254", Metadata),
            ("168.63.129.16", Metadata),
            ("100.100.100.200", Metadata),
            ("fd00:ec2::254", Metadata),
            ("0.0.0.0", Unspecified),
            ("::", Unspecified),
            ("127.0.0.1", Loopback),
            ("127.255.255.255", Loopback),
            ("::1", Loopback),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Public),
            ("192.168.1.1", Private),
            ("fd12::1", Private),
            ("fc00::", Private),
            ("fec0::1", Private),
            ("169.254.1.1", LinkLocal),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("100.64.0.1", Shared),
            ("100.128.0.1", Public),
            ("224.0.0.1", Multicast),
            ("ff02::1", Multicast),
            ("192.0.2.1", Documentation),
            ("2001:db8::1", Documentation),
            ("3fff:fff::1", Documentation),
            ("198.19.0.1", Benchmark),
            ("2001:2::1", Benchmark),
            ("0.1.2.3", Reserved),
            ("240.0.0.1", Reserved),
            ("255.255.255.255", Reserved),
            ("192.0.0.1", Reserved),
            ("100::1", Reserved),
            ("2001::1", Reserved),
            ("64:ff9b:1::a00:1", Reserved),
            ("4000::1", Reserved),
            ("8.8.8.8", Public),
            ("2606:4700::1111", Public),
            ("2001:4860:4860::8888", Public),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_in_disguise_is_seen() {
        for text in ["::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1"] {
            assert_eq!(class(text), AddressClass::Loopback, "{text}");
        }
        assert_eq!(class("64:ff9b::169.254.169.254"), AddressClass::Metadata);
        assert_eq!(class("::ffff:10.1.2.3"), AddressClass::Private);
        assert_eq!(class("64:ff9b::8.8.8.8"), AddressClass::Public);
    }

    proptest! {
        /// Whatever form it is written in, an IPv4 address that is not public stays that way.
        #[test]
        fn no_disguise_makes_an_address_public(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [high, low] = [(bits >> 16) as u16, (bits & 0xffff) as u16];
            for v6 in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(AddressClass::of(v6.into()), AddressClass::of(v4.into()));
            }
        }
    }
}
